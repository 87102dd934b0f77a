import { createEndpoints } from './endpoints.js'
import { SessionError } from './error.js'
import { createFetch } from './fetch.js'
import { createFlight } from './flight.js'
import { readHint, writeHint } from './hint.js'
import { createReader, freshUntil } from './reader.js'
import { createState, out } from './state.js'
import { createTabs } from './tabs.js'
import type { Claims, LoginOptions, LogoutOptions, Reason, Session, SessionOptions, Snapshot } from './types.js'
import type { News } from './wire.js'

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
  const { base = '/auth', apiOrigins = [], onExpired, csrfHeader, requiredHeader } = options
  const inBrowser = typeof document !== 'undefined'
  const name = `cloakroom:${base}`
  const state = createState<C>((error) => {
    reportError(error)
    location.reload()
  })
  const endpoints = createEndpoints(base, csrfHeader, requiredHeader)
  const read = createReader(options.claims)
  const flight = createFlight(name, spend)
  const tabs = inBrowser ? createTabs(name, { news, hint, visible, aside, back }) : undefined
  // The newest question to the server: what an older one brings counts no more.
  let asking: Promise<Snapshot<C>> | undefined
  let freshEnd: number | null

  const loggedIn = (): boolean => state.snapshot.status === 'in'
  const awake = (): unknown => asking ?? state.snapshot.status !== 'unknown'

  // Asking the server

  function check(over?: 'expired' | 'remote', began: Reason = 'remote'): Promise<Snapshot<C>> {
    if (!inBrowser) return Promise.resolve(state.snapshot)
    const mine: Promise<Snapshot<C>> = ask().then((next) => {
      if (asking === mine) settle(next, over ?? (readHint() ? 'expired' : 'remote'), began)
      return asking ?? state.snapshot
    }).finally(() => {
      if (asking === mine) asking = undefined
    })
    return (asking = mine)
  }

  async function ask(): Promise<Snapshot<C>> {
    for (let tries = 0; tries < 3; tries += 1) {
      const answer = await endpoints.ask()
      if (answer !== 'expired') return read(answer, state.snapshot)
      if (!(await refresh(performance.now()))) return out
    }
    throw new SessionError('unreachable', 'the token stays expired')
  }

  /** Publishes what the server said, and tells the other tabs what they may not know. */
  function settle(next: Snapshot<C>, over: 'expired' | 'remote', began: Reason): void {
    const before = state.snapshot
    if (next.status === 'in') {
      if (next.sid !== before.sid) tabs?.tell({ in: next.sid })
      publish(next, began)
    } else {
      if (loggedIn() || readHint()) tabs?.tell({ out: over })
      publish(out, over)
      if (before.status === 'in' && over === 'expired' && onExpired === 'redirect') login()
    }
  }

  function publish(next: Snapshot<C>, reason: Reason): void {
    asking = undefined
    state.publish(next, reason)
    writeHint(next.status === 'in')
  }

  // Refreshing

  async function spend(): Promise<boolean> {
    const end = await endpoints.refresh()
    if (end === 'over') return false
    freshEnd = end
    tabs?.tell({ fresh: end })
    return true
  }

  async function refresh(sentAt: number): Promise<boolean> {
    const fresh = await flight.refresh(sentAt)
    if (fresh) extend()
    return fresh
  }

  function extend(): void {
    const { snapshot } = state
    if (snapshot.status === 'in') state.publish(freshUntil(snapshot, freshEnd), 'refresh')
  }

  async function ensureFresh(milliseconds = 30_000): Promise<boolean> {
    const { status, expiresAt } = await ready()
    if (status !== 'in') return false
    if (expiresAt && expiresAt - Date.now() > milliseconds) return true
    const fresh = await refresh(performance.now())
    if (!fresh) await lost()
    return fresh
  }

  /** Only the server's own word ends the session: a late answer may speak of the one before. */
  function lost(): Promise<unknown> {
    return quiet(asking ?? check())
  }

  // Other tabs, and the way back

  function news(news: News): void {
    if ('fresh' in news) {
      freshEnd = news.fresh
      flight.landed()
      extend()
    } else if (awake()) {
      if ('out' in news) publish(out, news.out)
      else if (news.in !== state.snapshot.sid) void quiet(check('remote'))
    }
  }

  function hint(): void {
    const says = readHint()
    // Nobody to ask: then another tab's word is enough to show nothing more of the user.
    if (awake() && says !== loggedIn()) check('remote').catch(() => says || publish(out, 'remote'))
  }

  function visible(): void {
    if (awake()) void quiet(check())
  }

  /** When the page returns, somebody else may sit before it. */
  function aside(): void {
    // Nothing inside the page can undo opacity, as it could visibility, and nothing moves, as with display.
    if (loggedIn()) document.documentElement.style.setProperty('opacity', '0', 'important')
  }

  async function back(): Promise<void> {
    if (!loggedIn()) return visible()
    const same = await ask().then(({ sid }) => sid === state.snapshot.sid, () => false)
    // A document navigation is the only complete reset.
    if (same) document.documentElement.style.removeProperty('opacity')
    else location.reload()
  }

  // For the application

  function ready(): Promise<Snapshot<C>> {
    return state.snapshot.status === 'unknown' ? asking ?? check() : Promise.resolve(state.snapshot)
  }

  function login({ returnTo = location.href, provider }: LoginOptions = {}): void {
    const { origin, pathname, search, hash } = new URL(returnTo, location.origin)
    if (origin !== location.origin) throw new TypeError(`returnTo is of another origin: ${origin}`)
    const query = new URLSearchParams({ return_to: pathname + search + hash, ...(provider && { provider }) })
    location.assign(`${base}/login?${query}`)
  }

  async function logout({ everywhere }: LogoutOptions = {}): Promise<void> {
    const next = await flight.alone(() => endpoints.logout(everywhere))
    loggedOut()
    location.assign(next)
  }

  function loggedOut(): void {
    // The answer has cleared the storage, perhaps unheard: what is taken away must have been there.
    writeHint(true)
    tabs?.tell({ out: 'remote' })
    publish(out, 'logout')
  }

  /** The application's own request has begun a session; no refresh of the one before may come in between (rule 7). */
  async function began(): Promise<void> {
    await flight.alone(async () => undefined)
    await quiet(check('remote', 'login'))
  }

  return {
    get snapshot() {
      return state.snapshot
    },
    get likelyLoggedIn() {
      return readHint()
    },
    subscribe: state.subscribe,
    onChange: state.onChange,
    onReset: state.onReset,
    ready,
    check: (over) => check(over),
    fetch: inBrowser ? createFetch({ apiOrigins, sign: endpoints.sign, refresh, ensureFresh, lost, began, ended: loggedOut }) : fetch,
    ensureFresh,
    login,
    logout,
    dispose() {
      tabs?.dispose()
      state.clear()
    },
  }
}

/** Where nobody can be told of a failure, the next question may have more luck. */
function quiet(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch(() => undefined)
}
