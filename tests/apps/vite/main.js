// A page in development: who is logged in, and a module that is replaced while the page stays.
import { createSession } from '@cloakroom/client'
import { greeting } from './greeting.js'

const session = createSession()
const show = (id, text) => { document.getElementById(id).textContent = text }

session.subscribe(({ status, claims }) => {
  show('state', status === 'in' ? `logged in as ${claims.name}` : status === 'out' ? 'logged out' : 'unknown')
})
document.getElementById('login').addEventListener('click', () => session.login())
document.getElementById('logout').addEventListener('click', () => session.logout())
window.call = session.fetch

show('greeting', greeting)
import.meta.hot.accept('./greeting.js', (changed) => show('greeting', changed.greeting))

await session.ready()
