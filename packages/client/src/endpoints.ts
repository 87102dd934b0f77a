// The gateway's control endpoints: what is sent and what the answers mean.
import { SessionError } from './error.js'
import type { Mark, SessionAnswer } from './wire.js'

/** No request of ours takes longer (rule 4). */
export const PATIENCE = 10_000

export interface Endpoints {
  /** Who is logged in; `expired` where the token must be refreshed before anybody can tell (mode `jwt`). */
  readonly ask: () => Promise<SessionAnswer | 'expired'>
  /** Until when the token is fresh, by `Date.now()`, `null` where nobody knows; `over` when the session is. */
  readonly refresh: () => Promise<number | null | 'over'>
  /** Where to navigate next. */
  readonly logout: (everywhere: boolean | undefined) => Promise<string>
  /** Puts on a request what the guard asks for; only for requests to our own origins (rule 1). */
  readonly sign: (request: Request) => Promise<void>
}

export function createEndpoints(base: string, csrfHeader?: string, requiredHeader?: string): Endpoints {
  let csrfToken: string | undefined

  async function send<T>(method: string, path: string, read: (answer: Response) => T | Promise<T>): Promise<T> {
    const request = new Request(base + path, { method, cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) })
    await sign(request)
    try {
      return await read(await fetch(request))
    } catch (cause) {
      throw new SessionError('unreachable', `${method} ${base}${path}: ${String(cause)}`, { cause })
    }
  }

  /** A CSRF token of a session that another tab has replaced is exchanged once. */
  function post<T>(path: string, read: (answer: Response) => T | Promise<T>): Promise<T> {
    return send('POST', path, async (answer) => {
      if (answer.status !== 403 || !csrfToken) return read(answer)
      await ask()
      return send('POST', path, read)
    })
  }

  const ask = (): Promise<SessionAnswer | 'expired'> => send('GET', '/session', async (answer) => {
    const expired = markOf(answer) === 'expired'
    if (!expired) insist(answer)
    const body = (await answer.json()) as SessionAnswer
    csrfToken = body.csrfToken
    return expired ? 'expired' : body
  })

  async function sign({ method, headers }: Request): Promise<void> {
    if (/^(GET|HEAD|OPTIONS|TRACE)$/.test(method)) return
    if (requiredHeader) headers.set(requiredHeader, '1')
    if (csrfHeader && !csrfToken) await ask()
    if (csrfHeader && csrfToken) headers.set(csrfHeader, csrfToken)
  }

  return {
    ask,
    sign,
    refresh: () => post('/refresh', (answer) => {
      if (answer.status === 401) return 'over'
      insist(answer)
      const seconds = answer.headers.get('Cloakroom-Expires-In')
      return seconds === null ? null : endOf(+seconds)
    }),
    logout: (everywhere) => post(everywhere ? '/logout?everywhere=true' : '/logout', async (answer) => {
      insist(answer)
      return ((await answer.json()) as { location: string }).location
    }),
  }
}

/** When these seconds are over, in milliseconds since 1970. */
export function endOf(seconds: number): number {
  return Date.now() + seconds * 1000
}

/** What the gateway says of the session beside an answer. */
export function markOf({ headers }: Response): Mark | null {
  return headers.get('Cloakroom-Session') as Mark | null
}

function insist({ ok, status }: Response): void {
  if (!ok) throw new Error(`answered ${status}`)
}
