// What this tab knows, and who is told when it changes.
import type { NoSession, Reason, Session, Snapshot } from './types.js'

const nothing = { claims: null, expiresAt: null, sid: null }
const unknown = Object.freeze({ status: 'unknown' as const, ...nothing })
export const out: NoSession = Object.freeze({ status: 'out' as const, ...nothing })

export interface State<C> extends Pick<Session<C>, 'snapshot' | 'subscribe' | 'onChange' | 'onReset'> {
  /**
   * Publishes `next`, after a reset where the page may hold data of somebody else. `reason` is what the caller
   * knows; that it is the first answer, a refresh or a switch is found out here. Where a reset fails nothing is
   * published.
   */
  publish: (next: Snapshot<C>, reason: Reason) => void
  clear: () => void
}

/** `resetFailed` is called with what a listener of `onReset` threw. */
export function createState<C>(resetFailed: (error: unknown) => void): State<C> {
  let snapshot: Snapshot<C> = unknown
  // Whose data the page may hold: of an expired session still, as unsaved work survives it.
  let owner: Snapshot<C> = unknown
  const listeners = new Set<(snapshot: Snapshot<C>, reason: Reason) => void>()
  const resets = new Set<(reason: Reason) => void>()

  function publish(next: Snapshot<C>, reason: Reason): void {
    if (snapshot.status === 'unknown') reason = 'init'
    else if (next.status === 'in') reason = reasonOf(next, reason)
    const forgets = owner.status === 'in' && (next.status === 'in' ? reason === 'switched' : reason !== 'expired')
    if (forgets) {
      try {
        for (const reset of [...resets]) reset(reason)
      } catch (error) {
        resetFailed(error)
        return
      }
    }
    if (forgets || next.status === 'in') owner = next
    if (snapshot === next) return
    snapshot = next
    for (const listener of [...listeners]) tell(() => listener(next, reason))
  }

  function reasonOf(next: Snapshot<C>, reason: Reason): Reason {
    if (next.sid === snapshot.sid) return 'refresh'
    const other = snapshot.status === 'in' || (owner.status === 'in' && !sameUser(owner, next))
    return other ? 'switched' : reason
  }

  return {
    get snapshot() {
      return snapshot
    },
    subscribe(listener) {
      tell(() => listener(snapshot))
      return add(listeners, listener)
    },
    onChange: (listener) => add(listeners, listener),
    onReset: (listener) => add(resets, listener),
    publish,
    clear() {
      listeners.clear()
      resets.clear()
    },
  }
}

function add<T>(set: Set<T>, listener: T): () => void {
  set.add(listener)
  return () => void set.delete(listener)
}

/** A listener that throws must not keep the others from hearing. */
function tell(call: () => void): void {
  try {
    call()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** The same person at the same issuer, as far as the claims tell; who is not named is nobody's same. */
function sameUser(one: Snapshot<unknown>, other: Snapshot<unknown>): boolean {
  const [a, b] = [one.claims, other.claims] as { iss?: unknown, sub?: unknown }[]
  return a?.sub !== undefined && a.sub === b?.sub && a.iss === b?.iss
}
