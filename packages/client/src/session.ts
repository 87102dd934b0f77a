import { createEndpoints } from './endpoints.js'
import { createFetch } from './fetch.js'
import { createFlight } from './flight.js'
import { HINT, readHint, writeHint } from './hint.js'
import { createReader } from './reader.js'
import { createState, out } from './state.js'
import { createTabs, type Tabs } from './tabs.js'
import type { Claims, LoginOptions, LogoutOptions, Reason, Session, SessionOptions, Snapshot } from './types.js'
import type { Mark, News } from './wire.js'

/**
 * Makes the session of this tab. An application has one, for as long as the page lives; on a server one for each
 * request, whose status stays `unknown`: the cookie is the browser's.
 *
 * ```ts
 * export const session = createSession()
 * const { status, claims } = await session.ready()
 * const orders = await session.fetch('/api/orders')
 * ```
 */
export function createSession<C = Claims>(options: SessionOptions<C> = {}): Session<C> {
  const { base = '/auth', apiOrigins = [], onExpired } = options
  const name = `cloakroom:${base}`
  const { now, owner, publish: announce, ...listening } = createState<C>((error) => {
    location.reload()
    throw error
  })
  const endpoints = createEndpoints(base, options)
  const read = createReader(options.claims)
  const flight = createFlight(name, spend)
  // None on a server.
  const tabs: Tabs | undefined = globalThis.document && createTabs(name, { news, storage, visibilitychange, pagehide, pageshow })
  // The newest question to the server: what an older one brings counts no more.
  let asking: Promise<Snapshot<C>> | undefined
  // The session that another tab told of last: each tab that finds it tells so too, and nobody asks again for that.
  let heard: string | undefined
  // Where a logout leads.
  let leaving: string | undefined
  // What the last refresh said; null also after one of another tab that has not told yet.
  let freshEnd: number | null = null

  const loggedIn = (): boolean => !!now().sid
  const awake = (): unknown => asking ?? now().status !== 'unknown'

  // Asking the server

  function check(over?: 'expired' | 'remote', began: Reason = 'remote'): Promise<Snapshot<C>> {
    const mine: Promise<Snapshot<C>> = ask().then((next) => {
      if (asking === mine) settle(next, over, began)
      return asking ?? now()
    }, (error) => {
      if (asking !== mine) return asking ?? now()
      asking = undefined
      throw error
    })
    return (asking = mine)
  }

  async function ask(): Promise<Snapshot<C>> {
    if (!tabs) return now()
    const answer = await endpoints.ask()
    if (answer.loggedIn !== undefined) return read(answer)
    return (await refresh()) ? read(await endpoints.ask()) : out
  }

  /** Publishes what the server said, and tells the other tabs what they may not know. */
  function settle(next: Snapshot<C>, over: 'expired' | 'remote' | undefined, began: Reason): void {
    const { sid } = now()
    over ??= sid && !readHint() ? 'remote' : 'expired'
    if (next.sid !== sid || !next.sid === readHint()) tabs?.tell(next.sid ? { in: next.sid } : { out: over })
    publish(next, next.sid ? began : over)
    if (sid && !next.sid && over === 'expired' && onExpired === 'redirect') login()
  }

  function publish(next: Snapshot<C>, reason: Reason): void {
    asking = undefined
    const { sid } = now()
    announce(next, reason)
    // A tab of another `base` may take it away: written again and again, it would be taken away again and again.
    if (!sid || !next.sid) writeHint(!!next.sid)
  }

  // Refreshing

  async function spend(): Promise<boolean> {
    const end = await endpoints.refresh()
    if (end === 'over') return false
    landed(end)
    tabs?.tell({ fresh: end })
    return true
  }

  function landed(end: number | null): void {
    freshEnd = end
    flight.landed()
  }

  async function refresh(sentAt = performance.now(), mayFollow?: boolean): Promise<boolean> {
    const fresh = await flight.refresh(sentAt, mayFollow)
    if (fresh) extend()
    return fresh
  }

  function extend(): void {
    const snapshot = now()
    if (snapshot.sid) announce({ ...snapshot, expiresAt: freshEnd }, 'refresh')
  }

  async function ensureFresh(milliseconds = 30_000): Promise<boolean> {
    const { sid, expiresAt } = await ready()
    if (!sid) return false
    if (expiresAt! - Date.now() > milliseconds) return true
    const fresh = await refresh()
    if (!fresh) await lost()
    return fresh
  }

  /** Only the server's own word ends the session: a late answer may speak of the one before. */
  function lost(): Promise<unknown> {
    return quiet(asking ?? check())
  }

  // Other tabs, and the way back

  function news({ data: news }: MessageEvent<News>): void {
    if ('fresh' in news) {
      landed(news.fresh)
      extend()
    } else if (awake()) {
      if ('out' in news) publish(out, news.out)
      else if (news.in !== now().sid && news.in !== heard) {
        heard = news.in
        doubt()
      }
    }
  }

  function storage({ key }: StorageEvent): void {
    // Another key, or all of them, is the application's own business.
    if (key === HINT && awake() && readHint() !== loggedIn()) doubt()
  }

  /** Where nobody can be asked, another tab's word is enough to show nothing more of the user. */
  function doubt(): void {
    check('remote').catch(() => loggedIn() && publish(out, 'remote'))
  }

  function visibilitychange(): void {
    if (awake() && !document.hidden) void quiet(check())
  }

  /** When the page returns, somebody else may sit before it. */
  function pagehide({ persisted }: PageTransitionEvent): void {
    // Nothing inside the page can undo opacity, as it could visibility, and nothing moves, as with display.
    if (persisted && owner()) document.documentElement.style.setProperty('opacity', '0', 'important')
  }

  async function pageshow({ persisted }: PageTransitionEvent): Promise<void> {
    if (!persisted) return
    if (!owner()) return visibilitychange()
    const { sid } = now()
    // A document navigation is the only complete reset; of an expired session nobody can say whose it is now.
    if (sid && (await ask().catch(() => out)).sid === sid) document.documentElement.style.removeProperty('opacity')
    else location.reload()
  }

  // For the application

  async function ready(): Promise<Snapshot<C>> {
    return now().status === 'unknown' ? asking ?? check() : now()
  }

  function login({ returnTo = location.href.slice(location.origin.length), provider }: LoginOptions = {}): void {
    // A guard that sees the logout must not lead past the provider's.
    if (leaving) return
    const query = new URLSearchParams({ return_to: returnTo, ...(provider && { provider }) })
    location.assign(`${base}/login?${query}`)
  }

  async function logout({ everywhere }: LogoutOptions = {}): Promise<void> {
    leaving = await flight.alone(() => endpoints.logout(everywhere))
    try {
      loggedOut()
    } finally {
      // Also where a reset fails and the page reloads: else the provider's session would live on.
      location.assign(leaving)
    }
  }

  function loggedOut(): void {
    // The answer has cleared the storage, perhaps unheard: what is taken away must have been there.
    writeHint(true)
    tabs?.tell({ out: 'remote' })
    publish(out, 'logout')
  }

  async function heed(mark: Mark): Promise<unknown> {
    if (mark === 'ended') return loggedOut()
    if (mark !== 'started') return lost()
    // No refresh of the session before may come in between (rule 7).
    await flight.alone(async () => undefined)
    return quiet(check('remote', 'login'))
  }

  return {
    ...listening,
    get snapshot() {
      return now()
    },
    get likelyLoggedIn() {
      return readHint()
    },
    ready,
    check,
    fetch: createFetch({ apiOrigins, owner, sign: endpoints.sign, refresh, ensureFresh, heed }),
    ensureFresh,
    login,
    logout,
    dispose: () => tabs?.dispose(),
  }
}

/** Where nobody can be told of a failure, the next question may have more luck. */
function quiet(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch(() => undefined)
}
