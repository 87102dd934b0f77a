// The application's page: accounts-js keeps the tokens in localStorage, and axios sends the access token.
import { AccountsClient } from '@accounts/client'
import { RestClient } from '@accounts/rest-client'
import axios from 'axios'

const rest = new RestClient({ apiHost: '', rootPath: '/accounts' })
const accounts = new AccountsClient({}, rest)

const api = axios.create({ baseURL: '/api' })
api.interceptors.request.use(async (config) => {
  const tokens = await accounts.refreshSession()
  if (tokens) config.headers.Authorization = `Bearer ${tokens.accessToken}`
  return config
})

const $ = (id) => document.getElementById(id)
const say = (text) => { $('answer').textContent = text }

async function showState() {
  const user = (await accounts.getTokens()) ? await accounts.getUser() : null
  $('state').textContent = user ? `logged in as ${user.username}` : 'logged out'
}

$('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const credentials = { user: { username: $('name').value }, password: $('password').value }
  await accounts.loginWithService('password', credentials).catch((error) => say(error.message))
  await showState()
})

$('orders').addEventListener('click', async () => {
  say('')
  await api.get('/orders').then(({ data }) => say(JSON.stringify(data)), (error) => say(error.message))
})

$('logout').addEventListener('click', async () => {
  await accounts.logout()
  await showState()
})

await showState()
