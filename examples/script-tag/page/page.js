import { createSession } from '@cloakroom/client'

const session = createSession()

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id))
}

session.subscribe(({ status, claims }) => {
  if (status === 'unknown') return
  element('state').textContent = status === 'in' ? `logged in as ${claims.name}` : 'logged out'
  element('login').hidden = status === 'in'
  element('logout').hidden = element('load').hidden = status === 'out'
})

// What belongs to a user goes before the next one is shown.
session.onReset(() => { element('orders').textContent = '' })

element('login').addEventListener('click', () => session.login())
element('logout').addEventListener('click', () => session.logout())
element('load').addEventListener('click', async () => {
  const answer = await session.fetch('/api/orders')
  element('orders').textContent = `${answer.status} ${await answer.text()}`
})

await session.ready()
