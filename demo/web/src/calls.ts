// Calls to the API and what the page can see of the token behind them: its id and how long it lives.

import type { VueSession } from '@cloakroom/vue'
import { computed, inject, onScopeDispose, ref, shallowRef, watch, type InjectionKey } from 'vue'
import { initOf, type ApiAnswer, type ApiCall, type TokenReport } from './api'

/** The last call: what was asked, what came back and whether the token was renewed on the way. */
export interface Call {
  asked: ApiCall
  status: number
  answer?: ApiAnswer
  refreshed: boolean
  /** How many requests were sent at once, and how many of them were answered with 200. */
  sent: number
  good: number
  /** How many different tokens the API saw in them. */
  tokens: number
  milliseconds: number
}

export type Calls = ReturnType<typeof createCalls>

const KEY: InjectionKey<Calls> = Symbol('calls')

export { KEY as callsKey }

export function useCalls(): Calls {
  const calls = inject(KEY)
  if (calls === undefined) throw new Error('useCalls: no calls were provided')
  return calls
}

/** Makes the calls of this page over `session`. */
export function createCalls(session: VueSession) {
  const token = createTokenLife()
  const last = shallowRef<Call>()
  const busy = ref(0)
  const auto = ref(false)

  watch(session.expiresAt, token.expiresAt)

  async function once(asked: ApiCall) {
    const answer = await session.fetch(asked.path, initOf(asked))
    return { status: answer.status, body: answer.ok ? ((await answer.json()) as ApiAnswer) : undefined }
  }

  /** Sends the request `times` at once. */
  async function call(asked: ApiCall, times = 1) {
    busy.value += 1
    const start = performance.now()
    try {
      const answers = await Promise.all(Array.from({ length: times }, () => once(asked)))
      const milliseconds = Math.round(performance.now() - start)
      const refreshed = answers.map(({ body }) => body !== undefined && token.seen(body.received.token)).includes(true)
      const bodies = answers.flatMap(({ body }) => body ?? [])
      const answer = bodies.at(-1)
      last.value = {
        asked,
        status: answers.at(-1)?.status ?? 0,
        refreshed,
        sent: times,
        good: bodies.length,
        tokens: new Set(bodies.map(({ received }) => received.token.id)).size,
        milliseconds,
        ...(answer && { answer }),
      }
    } catch {
      last.value = { asked, status: 0, refreshed: false, sent: times, good: 0, tokens: 0, milliseconds: 0 }
    } finally {
      busy.value -= 1
    }
  }

  return { call, last, busy, auto, token }
}

/** Follows the access token's life from what the session endpoint and the API tell. */
function createTokenLife() {
  const end = ref<number>()
  const lifetime = ref<number>()
  const id = ref<string>()
  const refreshes = ref(0)
  const now = ref(performance.now())
  const clock = setInterval(() => (now.value = performance.now()), 250)
  onScopeDispose(() => clearInterval(clock))

  function expiresAt(time: number | null) {
    const left = time === null ? undefined : time - Date.now()
    end.value = left && performance.now() + left
    lifetime.value ??= left && left / 1000
  }

  /** Takes note of the token behind an answer; true when it replaces an older one. */
  function seen(report: TokenReport): boolean {
    const ends = performance.now() + report.expiresIn * 1000
    // A second and a half: both ends are rounded to seconds.
    const renewed = end.value !== undefined && ends > end.value + 1500
    if (renewed) refreshes.value += 1
    if (end.value === undefined || ends > end.value) end.value = ends
    lifetime.value = report.expiresAt - report.issuedAt
    id.value = report.id
    return renewed
  }

  return {
    expiresAt,
    seen,
    /** Seconds left, or nothing when it is not known. */
    left: computed(() => end.value && Math.max(0, (end.value - now.value) / 1000)),
    /** Seconds from issue to expiry. */
    lifetime,
    /** How many times a call came back with a new token. */
    refreshes,
    /** The beginning of the last token's id. */
    id,
  }
}
