// The application's page as tutorials write it: the token in localStorage, an axios interceptor that sends it.
import axios from 'axios'

axios.interceptors.request.use((config) => {
  const token = localStorage.getItem('token')
  if (token) config.headers.Authorization = `Bearer ${token}`
  return config
})

const $ = (id) => document.getElementById(id)
const say = (value) => { $('answer').textContent = JSON.stringify(value) }
const explain = (error) => say(error.response?.data ?? error.message)

function showState() {
  $('state').textContent = localStorage.getItem('token') ? `logged in as ${localStorage.getItem('user')}` : 'logged out'
}

$('login').addEventListener('submit', (event) => {
  event.preventDefault()
  const credentials = { email: $('name').value, password: $('password').value }
  axios.post('/login', credentials).then(({ data }) => {
    localStorage.setItem('token', data.accessToken)
    localStorage.setItem('user', data.user.email)
    showState()
  }, explain)
})

$('orders').addEventListener('click', () => axios.get('/660/orders').then(({ data }) => say(data), explain))

$('order').addEventListener('click', () =>
  axios.post('/660/orders', { userId: 1, name: 'tarts' }).then(({ data }) => say(data), explain))

$('logout').addEventListener('click', () => {
  localStorage.clear()
  showState()
})

showState()
