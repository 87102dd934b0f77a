// One refresh at a time, in this tab and over all tabs of the browser (rule 3).
import { PATIENCE } from './endpoints.js'

export interface Flight {
  /**
   * Refreshes; where a refresh ended after `sentAt` (by `performance.now()`), a repetition is enough. False when the
   * session is over. Who `mayFollow` only waits where another tab refreshes: what became of it, a repetition will tell.
   */
  readonly refresh: (sentAt: number, mayFollow?: boolean) => Promise<boolean>
  /** Takes note that another tab's refresh has ended well. */
  readonly landed: () => void
  /** Does `work` while no tab refreshes. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
}

/**
 * `spend` sends the request and tells the other tabs; true when the token is fresh. It runs inside the lock `name`
 * and must not call the application.
 */
export function createFlight(name: string, spend: () => Promise<boolean>): Flight {
  let flying: Promise<boolean | undefined> | undefined
  let lastLanding = 0

  async function refresh(sentAt: number, mayFollow?: boolean): Promise<boolean> {
    flying ??= locked(fly, mayFollow && { ifAvailable: true }).finally(() => (flying = undefined))
    return (await flying) ?? (mayFollow || refresh(sentAt))

    /** Undefined where it followed. The lock says who leads: news of a refresh may come after the lock. */
    async function fly(lock?: Lock | null): Promise<boolean | undefined> {
      if (lock === null) return locked((lock) => (lock ? undefined : fly()), { mode: 'shared', signal: AbortSignal.timeout(PATIENCE) })
      if (lastLanding > sentAt) return true
      const fresh = await spend()
      if (fresh) landed()
      return fresh
    }
  }

  function landed(): void {
    lastLanding = performance.now()
  }

  /** With the lock, or without it where there is none or ten seconds of waiting were in vain (rule 4). */
  async function locked<T>(work: (lock?: Lock | null) => T | Promise<T>, options?: LockOptions | false): Promise<T> {
    let begun: T | Promise<T> | undefined
    try {
      // Without locks (insecure pages, old browsers) the server's single flight and grace do alone.
      return await navigator.locks.request(name, options || { signal: AbortSignal.timeout(PATIENCE) }, (lock) => (begun = work(lock)))
    } catch {
      return begun ?? work()
    }
  }

  return { refresh, landed, alone: locked }
}
