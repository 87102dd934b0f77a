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

const session = await (await fetch('/auth/session')).json()
state.textContent = session.loggedIn ? `logged in as ${session.claims.name}` : 'logged out'
