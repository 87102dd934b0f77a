// The gateway's control endpoints: what is sent and what the answers mean.
import { SessionError } from './error.js'
import type { SessionOptions } from './types.js'
import type { SessionAnswer } from './wire.js'

/** No request of ours takes longer (rule 4). */
export const PATIENCE = 10_000

type GuardHeaders = Pick<SessionOptions, 'csrfHeader' | 'requiredHeader'>

export interface Endpoints {
  /** Who is logged in; nobody can tell while the token has expired (mode `jwt`). */
  readonly ask: () => Promise<SessionAnswer>
  /** Until when the token is fresh, by `Date.now()`, `null` where nobody knows; `over` when the session is. */
  readonly refresh: () => Promise<number | null | 'over'>
  /** Where to navigate next. */
  readonly logout: (everywhere: boolean | undefined) => Promise<string>
  /** Puts on a request what the guard asks for; only for requests to our own origins (rule 1). */
  readonly sign: (request: Request) => Promise<void>
}

export function createEndpoints(base: string, { csrfHeader, requiredHeader }: GuardHeaders): Endpoints {
  let csrfToken: string | undefined

  /**
   * A 401 is an answer where it says something of the session. One whose body breaks off, as in Firefox when the page
   * is left meanwhile, is none.
   */
  async function send<T>(method: string, path: string, unauthorized?: 401, read?: (answer: Response) => T): Promise<T> {
    // Another tab may have begun another session: its token is asked for.
    if (method === 'POST') csrfToken = undefined
    const request = new Request(base + path, { method, signal: AbortSignal.timeout(PATIENCE) })
    await sign(request)
    try {
      const answer = await fetch(request)
      if (answer.ok || answer.status === unauthorized) return read ? read(answer) : await answer.json()
      throw answer.status
    } catch (cause) {
      throw new SessionError('unreachable', `${request.url}: ${cause}`, { cause })
    }
  }

  async function ask(): Promise<SessionAnswer> {
    const body: SessionAnswer = await send('GET', '/session', 401)
    csrfToken = body.csrfToken
    return body
  }

  async function sign({ method, headers }: Request): Promise<void> {
    if (method === 'GET') return
    if (requiredHeader) headers.set(requiredHeader, '1')
    if (csrfHeader) {
      if (!csrfToken) await ask()
      if (csrfToken) headers.set(csrfHeader, csrfToken)
    }
  }

  return {
    ask,
    sign,
    refresh: () =>
      send('POST', '/refresh', 401, ({ ok, headers }) => (ok ? endOf(headers.get('Cloakroom-Expires-In')) : 'over')),
    async logout(everywhere) {
      return (await send<{ location: string }>('POST', everywhere ? '/logout?everywhere=true' : '/logout')).location
    },
  }
}

/** When these seconds are over, in milliseconds since 1970; nobody knows of none. */
export function endOf(seconds: number | string | null): number | null {
  return seconds === null ? null : Date.now() + +seconds * 1000
}
