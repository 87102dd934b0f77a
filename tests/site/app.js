// The page of the end-to-end tests: the least that an app does with the gateway.
const state = document.getElementById('state')

document.getElementById('login').addEventListener('click', () => {
  const here = location.pathname + location.search + location.hash
  location.assign(`/auth/login?return_to=${encodeURIComponent(here)}`)
})

document.getElementById('logout').addEventListener('click', async () => {
  const answer = await fetch('/auth/logout', { method: 'POST' })
  location.assign((await answer.json()).location)
})

// Where the application has a login service of its own.
document.getElementById('account').addEventListener('submit', async (event) => {
  event.preventDefault()
  const body = JSON.stringify({
    name: document.getElementById('name').value,
    password: document.getElementById('password').value,
  })
  const answer = await fetch('/account/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  // Kept as a whole, in the way of so many applications: what is in it, every script can read from now on.
  localStorage.setItem('account', await answer.text())
  await showState()
})

// Fetches, and where the gateway says that the access token has expired, has it refreshed and fetches again.
window.call = async (path, init) => {
  const expired = ({ status, headers }) => status === 401 && headers.get('cloakroom-session') === 'expired'
  const answer = await fetch(path, init)
  if (!expired(answer)) return answer
  const refreshed = await fetch('/auth/refresh', { method: 'POST' })
  return refreshed.ok ? fetch(path, init) : refreshed
}

async function showState() {
  const session = await (await fetch('/auth/session')).json()
  state.textContent = session.loggedIn ? `logged in as ${session.claims.name}` : 'logged out'
}

await showState()
