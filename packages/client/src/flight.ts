// One refresh at a time, in this tab and over all tabs of the browser (rule 3).
import { PATIENCE } from './endpoints.js'

export interface Flight {
  /**
   * Refreshes; where a refresh ended after `sentAt` (by `performance.now()`), a repetition is enough. False when the
   * session is over.
   */
  readonly refresh: (sentAt: number) => Promise<boolean>
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
  let flying: Promise<boolean> | undefined
  let lastLanding = -Infinity

  async function refresh(sentAt: number): Promise<boolean> {
    flying ??= alone(async () => {
      // The tab that had the lock before may have refreshed: its news were sent before the lock was free.
      await delivery()
      if (lastLanding > sentAt) return true
      const fresh = await spend()
      if (fresh) landed()
      return fresh
    }).finally(() => (flying = undefined))
    return flying
  }

  function landed(): void {
    lastLanding = performance.now()
  }

  /** With the lock, or without it where there is none or ten seconds of waiting were in vain (rule 4). */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    let begun = false
    try {
      // Without locks (insecure pages, old browsers) the server's single flight and grace do alone.
      return await navigator.locks.request(name, { signal: AbortSignal.timeout(PATIENCE) }, () => {
        begun = true
        return work()
      })
    } catch (error) {
      if (begun) throw error
      return work()
    }
  }

  return { refresh, landed, alone }
}

/** Lets messages of other tabs be read that are here already. */
function delivery(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => resolve(port1.close())
    port2.postMessage(0)
  })
}
