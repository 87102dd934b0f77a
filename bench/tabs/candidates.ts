// Who is measured, in the order of the table.

export interface Candidate {
  name: string
  /** Its page, of those in `pages`. */
  page: string
  /** Who serves that: the gateway, or a server that knows nothing of sessions. */
  from: 'gateway' | 'plain'
  /** How many of six requests it loses with nothing in its way, in a single tab; none if not said. */
  lostAlone?: number
}

export const candidates: Candidate[] = [
  { name: 'axios-auth-refresh', page: 'axios.html', from: 'plain', lostAlone: 5 },
  { name: 'axios-auth-refresh, deduplicateRefresh: false', page: 'axios-waiting.html', from: 'plain' },
  { name: 'ky, single flight by hand', page: 'ky.html', from: 'plain' },
  { name: 'Cloakroom', page: 'cloakroom.html', from: 'gateway' },
  { name: 'Cloakroom without Web Locks', page: 'cloakroom-without-locks.html', from: 'gateway' },
]
