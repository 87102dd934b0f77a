// What happens to the session elsewhere, heard at once: the gateway's Server-Sent Events.
import type { Session } from './types.js'

/** Options of `live`. */
export interface LiveOptions {
  /** The path of the control endpoints, as of the session; `/auth` by default. */
  readonly base?: string
}

type Listened = Pick<Session<unknown>, 'subscribe' | 'check'>

/** Why a stream is over. */
type End = 'lost' | 'logout' | 'expired' | 'replaced'

/**
 * By the answer to its own logout a tab knows more than by the event, which comes first: that somebody did it here.
 * So the answer gets this long, in milliseconds.
 */
const COURTESY = 500
/** How long after a stream was lost the next is opened, in milliseconds; doubled each time. */
const FIRST_PAUSE = 5_000
const LONGEST_PAUSE = 300_000
/** Who waits longer for its turn may have missed something before it. */
const AT_ONCE = 1_000

/**
 * Listens to the gateway for as long as somebody is logged in, so that also a page in which nobody does anything knows
 * at once when its session ends elsewhere. One tab of the browser listens; the others hear of it from that tab's
 * session. Where the gateway has no such endpoint nothing happens.
 *
 * ```ts
 * const session = createSession()
 * const stop = live(session)
 * ```
 *
 * Gives the function that ends it.
 */
export function live(session: Listened, { base = '/auth' }: LiveOptions = {}): () => void {
  if (!globalThis.EventSource) return () => undefined
  const { locks } = navigator
  const ending = new AbortController()
  let sid: string | null = null
  let away = false
  let turn: AbortController | undefined

  /** Begins anew, where there is something to listen for; `missed`: something may have happened meanwhile. */
  function restart(missed: boolean): void {
    turn?.abort()
    turn = undefined
    // Browsers open six connections for a host, so that without locks only the tabs that are seen take one.
    if (!sid || away || (!locks && document.hidden)) return
    const { signal } = (turn = new AbortController())
    const asked = performance.now()
    const mine = (): Promise<void> => {
      return listen(session, `${base}/events`, missed || performance.now() - asked > AT_ONCE, signal)
    }
    if (locks) locks.request(`cloakroom:${base}:live`, { signal }, mine).catch(() => undefined)
    else void mine()
  }

  // Nothing open, so that the page gets into the back/forward cache. (In Firefox it does not all the same.)
  addEventListener('pagehide', () => {
    away = true
    restart(false)
  }, ending)
  addEventListener('pageshow', () => {
    if (!away) return
    away = false
    restart(true)
  }, ending)
  if (!locks) addEventListener('visibilitychange', () => restart(true), ending)
  const unsubscribe = session.subscribe((snapshot) => {
    if (snapshot.sid === sid) return
    sid = snapshot.sid
    restart(false)
  })

  return () => {
    unsubscribe()
    ending.abort()
    turn?.abort()
  }
}

/** Listens until the signal, stream after stream. */
async function listen(session: Listened, url: string, missed: boolean, signal: AbortSignal): Promise<void> {
  let known = false
  let pause = FIRST_PAUSE
  while (!signal.aborted) {
    if (missed) await ask(session)
    if (signal.aborted) return
    const end = await stream(session, url, signal, () => {
      known = true
      pause = FIRST_PAUSE
    })
    // A gateway without the endpoint, or a session without streams: the next login is another matter.
    if (!known) return passed(Infinity, signal)
    if (end === 'logout' || end === 'replaced') await passed(COURTESY, signal)
    if (signal.aborted) return
    await ask(session, end === 'logout' || end === 'replaced' ? 'remote' : 'expired')
    // Somebody is still logged in, as far as can be known.
    await passed(pause, signal)
    pause = Math.min(2 * pause, LONGEST_PAUSE)
    missed = true
  }
}

/** Listens to one stream until its end or the signal. */
function stream(session: Listened, url: string, signal: AbortSignal, opened: () => void): Promise<End> {
  return new Promise((resolve) => {
    const source = new EventSource(url)
    const over = (end: End): void => {
      signal.removeEventListener('abort', stop)
      source.close()
      resolve(end)
    }
    const stop = (): void => over('lost')
    let gap = false
    signal.addEventListener('abort', stop)
    source.onopen = () => {
      opened()
      // The browser has connected again by itself.
      if (gap) void ask(session)
      gap = false
    }
    source.onerror = () => {
      gap = true
      if (source.readyState === source.CLOSED) over('lost')
    }
    source.addEventListener('refreshed', () => void ask(session))
    source.addEventListener('ended', ({ data }: MessageEvent<string>) => over((JSON.parse(data) as { reason: End }).reason))
  })
}

/** Nobody waits for the answer, and who is not answered stays as they are. */
function ask(session: Listened, over?: 'expired' | 'remote'): Promise<unknown> {
  return session.check(over).catch(() => undefined)
}

/** Resolves after so long, or at the signal. */
function passed(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const over = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = milliseconds < Infinity ? setTimeout(over, milliseconds) : undefined
    signal.addEventListener('abort', over)
  })
}
