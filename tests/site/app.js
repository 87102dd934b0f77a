// The page of the end-to-end tests: the least that an app does with the client. A test that wants another session
// says so before the page loads: `addInitScript(() => { window.sessionOptions = … })`.
import { createSession } from '/client/index.js'
import { live } from '/client/live.js'

const element = (id) => document.getElementById(id)

const session = createSession(window.sessionOptions)
window.session = session
window.call = session.fetch
window.live = live

session.subscribe(({ status, claims }) => {
  const texts = { unknown: 'unknown', in: `logged in as ${claims?.name}`, out: 'logged out' }
  element('state').textContent = texts[status]
})

element('login').addEventListener('click', () => session.login())
element('logout').addEventListener('click', () => session.logout())

// Where the application has a login service of its own.
element('account').addEventListener('submit', async (event) => {
  event.preventDefault()
  const body = JSON.stringify({ name: element('name').value, password: element('password').value })
  const headers = { 'content-type': 'application/json' }
  const answer = await session.fetch('/account/login', { method: 'POST', headers, body })
  // Kept as a whole, in the way of so many applications: what is in it, every script can read from now on.
  localStorage.setItem('account', await answer.text())
})

await session.ready()
