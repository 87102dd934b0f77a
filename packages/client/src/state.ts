// What this tab knows, and who is told when it changes.
import type { NoSession, Reason, Session, Snapshot, UnknownSession } from './types.js'

const nothing = { claims: null, expiresAt: null, sid: null }
const unknown: UnknownSession = { status: 'unknown', ...nothing }
export const out: NoSession = { status: 'out', ...nothing }

export interface State<C> extends Pick<Session<C>, 'subscribe' | 'onChange' | 'onReset'> {
  readonly now: () => Snapshot<C>
  /** Whose data the page may hold: of an expired session still, as unsaved work survives it. */
  readonly owner: () => string | null
  /**
   * Publishes `next`, after a reset where the page may hold data of somebody else. `reason` is what the caller
   * knows; that it is the first answer, a refresh or a switch is found out here. Where a reset fails nothing is
   * published.
   */
  readonly publish: (next: Snapshot<C>, reason: Reason) => void
}

/** `resetFailed` is called with what a listener of `onReset` threw. */
export function createState<C>(resetFailed: (error: unknown) => void): State<C> {
  let snapshot: Snapshot<C> = unknown
  let owner: string | null = null
  const listeners = new Set<(snapshot: Snapshot<C>, reason: Reason) => void>()
  const resets = new Set<(reason: Reason) => void>()

  function publish(next: Snapshot<C>, reason: Reason): void {
    const user = userOf(next)
    if (snapshot.status === 'unknown') reason = 'init'
    else if (user && next.sid === snapshot.sid) reason = 'refresh'
    else if (user && owner && (snapshot.sid || user !== owner)) reason = 'switched'
    const forgets = owner && (user ? reason === 'switched' : reason !== 'expired')
    if (forgets) {
      try {
        for (const reset of resets) reset(reason)
      } catch (error) {
        return resetFailed(error)
      }
    }
    if (forgets || user) owner = user
    if (same(snapshot, next)) return
    snapshot = next
    for (const listener of listeners) {
      try {
        listener(next, reason)
      } catch (error) {
        // It must not keep the others from hearing: the error is reported as nobody's.
        void Promise.reject(error)
      }
    }
  }

  return {
    now: () => snapshot,
    owner: () => owner,
    publish,
    subscribe(listener) {
      listener(snapshot)
      return add(listeners, listener)
    },
    onChange: (listener) => add(listeners, listener),
    onReset: (listener) => add(resets, listener),
  }
}

function add<T>(set: Set<T>, listener: T): () => void {
  set.add(listener)
  return () => void set.delete(listener)
}

/** Who the claims speak of; nobody's same where they do not say. */
function userOf({ claims, sid }: Snapshot<unknown>): string | null {
  const { iss, sub } = (claims ?? {}) as { iss?: unknown, sub?: unknown }
  return sub ? `${iss} ${sub}` : sid
}

/** Answers name whole seconds, so that one end of a token comes out in many ways. */
function same(one: Snapshot<unknown>, other: Snapshot<unknown>): boolean {
  return one.status === other.status && one.sid === other.sid && one.claims === other.claims
    && Math.abs(one.expiresAt! - other.expiresAt!) < 2000
}
