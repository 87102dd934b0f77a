// The page's whole knowledge of its session: it asks the gateway, and never holds a token.

import { inject, readonly, shallowRef, type DeepReadonly, type InjectionKey, type ShallowRef } from 'vue'

/** Who is logged in, as GET /auth/session says. */
export type SessionState =
  | { status: 'unknown' }
  | { status: 'out' }
  | { status: 'in'; claims: Claims; expiresIn: number | null }

/** The claims of the ID token that the page uses. */
export interface Claims {
  sub: string
  name?: string
  email?: string
}

/** The session and what can be done with it. */
export interface Session {
  state: DeepReadonly<ShallowRef<SessionState>>
  /** True when this browser was logged in at the last visit: a hint for the first paint. */
  likelyLoggedIn: boolean
  load: () => Promise<void>
  /** Like `fetch`; refreshes the session and repeats once when the gateway says that it expired. */
  fetch: (input: string, init?: RequestInit) => Promise<Response>
  login: () => void
  logout: () => Promise<void>
}

type SessionAnswer = { loggedIn: false } | { loggedIn: true; claims: Claims; expiresIn: number | null }

const HINT = 'cloakroom.loggedIn'
const KEY: InjectionKey<Session> = Symbol('session')

export { KEY as sessionKey }

/** The session that the application provides. */
export function useSession(): Session {
  const session = inject(KEY)
  if (session === undefined) throw new Error('useSession: no session was provided')
  return session
}

/** Makes the client of the control endpoints under `base`. */
export function createSession(base = '/auth'): Session {
  const state = shallowRef<SessionState>({ status: 'unknown' })

  function publish(next: SessionState) {
    state.value = next
    if (next.status === 'in') localStorage.setItem(HINT, '1')
    else localStorage.removeItem(HINT)
  }

  async function load() {
    const answer = await fetch(`${base}/session`)
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`)
    const body = (await answer.json()) as SessionAnswer
    publish(body.loggedIn ? { status: 'in', claims: body.claims, expiresIn: body.expiresIn } : { status: 'out' })
  }

  async function fetchWithSession(input: string, init?: RequestInit): Promise<Response> {
    const answer = await fetch(input, init)
    switch (answer.headers.get('Cloakroom-Session')) {
      case 'expired': {
        const refreshed = await fetch(`${base}/refresh`, { method: 'POST' })
        return refreshed.ok ? fetch(input, init) : answer
      }
      case 'login-required':
        publish({ status: 'out' })
        return answer
      default:
        return answer
    }
  }

  function login() {
    const here = location.pathname + location.search + location.hash
    location.assign(`${base}/login?return_to=${encodeURIComponent(here)}`)
  }

  async function logout() {
    const answer = await fetch(`${base}/logout`, { method: 'POST' })
    if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`)
    const { location: next } = (await answer.json()) as { location: string }
    localStorage.removeItem(HINT)
    location.assign(next)
  }

  // Another tab logged in or out, or the page comes back out of the browser's memory.
  addEventListener('storage', ({ key }) => void ((key === HINT || key === null) && load()))
  addEventListener('pageshow', ({ persisted }) => void (persisted && load()))

  return {
    state: readonly(state),
    likelyLoggedIn: localStorage.getItem(HINT) === '1',
    load,
    fetch: fetchWithSession,
    login,
    logout,
  }
}
