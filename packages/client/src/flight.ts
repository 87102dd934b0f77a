// One refresh at a time, in this tab and over all tabs of the browser (rule 3).
import { PATIENCE } from './endpoints.js'

export interface Flight {
  /**
   * Refreshes; where a refresh ended after `sentAt` (by `performance.now()`), a repetition is enough. False when the
   * session is over. Who `mayFollow` only waits where another tab refreshes: what became of it, a repetition will tell.
   */
  readonly refresh: (sentAt: number, mayFollow?: boolean) => Promise<boolean>
  /** Takes note that a refresh has ended well, in this tab or another. */
  readonly landed: () => void
  /** Does `work` while no tab refreshes. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
}

/**
 * `spend` sends the request and tells of its landing; true when the token is fresh. It runs inside the lock `name`
 * and must not call the application.
 */
export function createFlight(name: string, spend: () => Promise<boolean>): Flight {
  let flying: Promise<boolean | undefined> | undefined
  let lastLanding = 0

  async function refresh(sentAt: number, mayFollow?: boolean): Promise<boolean> {
    flying ??= elect(sentAt).finally(() => (flying = undefined))
    return (await flying) ?? (mayFollow || refresh(sentAt))
  }

  /** The tab that gets the lock leads. Undefined in those that waited for it: its news may come after the lock. */
  function elect(sentAt: number): Promise<boolean | undefined> {
    const lead = (): true | Promise<boolean> => lastLanding > sentAt || spend()
    return hold(undefined, (lock) => (lock === null ? hold('shared', (lock) => (lock ? undefined : lead())) : lead()))
  }

  /**
   * Does `work` with the lock in this mode, or without it where there are no locks or ten seconds of waiting were in
   * vain (rule 4): then the server's single flight and grace do alone. Without a mode it does not wait: null is for who
   * got no lock.
   */
  async function hold<T>(mode: LockMode | undefined, work: (lock?: Lock | null) => T | Promise<T>): Promise<T> {
    const options = mode ? { mode, signal: AbortSignal.timeout(PATIENCE) } : { ifAvailable: true }
    let begun: T | Promise<T> | undefined
    try {
      return await navigator.locks.request(name, options, (lock) => (begun = work(lock)))
    } catch {
      return begun ?? work()
    }
  }

  return { refresh, landed: () => (lastLanding = performance.now()), alone: (work) => hold('exclusive', work) }
}
