import { createSession } from '@cloakroom/client'
import { offer } from './candidate.ts'

const session = createSession()

offer({
  logIn: () => session.login(),
  ready: async () => (await session.ready()).status === 'in',
  send: async (method, path, body) => (await session.fetch(path, { method, ...(body ? { body } : {}) })).status,
})
