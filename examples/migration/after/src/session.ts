import { createSession } from '@cloakroom/client'

declare module '@cloakroom/client' {
  interface Register { claims: { sub: string, name: string } }
}

// What the front end before this one has left in browsers.
for (const key of ['token', 'refreshToken', 'user']) localStorage.removeItem(key)

export const session = createSession()
