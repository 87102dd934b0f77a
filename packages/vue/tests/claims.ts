// What the application of these tests registers, as any application does.
import type { Claims } from '@cloakroom/client'

declare module '@cloakroom/client' {
  interface Register {
    claims: { readonly sub: string, readonly name: string, readonly roles: readonly string[] }
  }
}

export const alice: Claims = { sub: 'alice', name: 'Alice', roles: ['reader'] }
export const bob: Claims = { sub: 'bob', name: 'Bob', roles: [] }
