// A session without a gateway, for the tests of applications.
import { SessionError } from './error.js'
import { createState, out } from './state.js'
import type { Claims, LoginOptions, LogoutOptions, Reason, Session, Snapshot } from './types.js'

/** How a fake session begins. */
export interface FakeSessionOptions<C = Claims> {
  /** Who is logged in at the start; nobody by default. */
  readonly claims?: C
  /** `unknown` for a page whose first answer is still to come: `ready()` waits until one of the controls gives it. */
  readonly status?: 'unknown'
  /** What `session.fetch` does; without it every call is an error, as a fake knows no network. */
  readonly fetch?: typeof fetch
}

/** A session for tests, and what happens to it. */
export interface FakeSession<C = Claims> {
  /** What the application gets in the place of what `createSession()` gives. */
  readonly session: Session<C>
  /** Somebody logs in, in this tab. */
  readonly logIn: (claims: C) => void
  /** The session ends without anybody's wish. Nothing is reset. */
  readonly expire: () => void
  /** Another tab logs in, as another user or as the same one anew. */
  readonly switchTo: (claims: C) => void
  /** Another tab logs out. */
  readonly logOutElsewhere: () => void
  /** While true, what needs an answer of the gateway rejects with a `SessionError` of the reason `unreachable`. */
  unreachable: boolean
  /** What each `session.login()` was called with. It does nothing else: a real one leaves the page. */
  readonly logins: readonly LoginOptions[]
  /** What each `session.logout()` was called with that succeeded. */
  readonly logouts: readonly LogoutOptions[]
}

/**
 * A session for an application's own tests: the states, resets and reasons of a real one in the same order, but no
 * gateway, no network, no storage, no globals. Needs no DOM. What a listener of `onReset` throws comes out of the
 * control that caused it, where a real session would reload the page.
 *
 * ```ts
 * import { fakeSession } from '@cloakroom/client/testing'
 *
 * test('the greeting knows who is there', () => {
 *   const fake = fakeSession({ claims: { sub: 'alice', name: 'Alice' } })
 *   const greeting = new Greeting(fake.session)
 *   expect(greeting.text).toBe('Hello Alice')
 *   fake.logOutElsewhere()
 *   expect(greeting.text).toBe('Please log in')
 * })
 *
 * test('orders are asked for with the session', async () => {
 *   const fake = fakeSession({ claims: { sub: 'alice' }, fetch: async () => Response.json([{ id: 7 }]) })
 *   expect(await loadOrders(fake.session)).toEqual([{ id: 7 }])
 *   fake.unreachable = true
 *   await expect(loadOrders(fake.session)).rejects.toMatchObject({ reason: 'unreachable' })
 * })
 * ```
 */
export function fakeSession<C = Claims>(options: FakeSessionOptions<C> = {}): FakeSession<C> {
  const state = createState<C>((error) => {
    throw error
  })
  const logins: LoginOptions[] = []
  const logouts: LogoutOptions[] = []
  let answered = (): void => {}
  const firstAnswer = new Promise<void>((resolve) => {
    answered = resolve
  })
  let sessions = 0

  function publish(next: Snapshot<C>, reason: Reason): void {
    state.publish(next, reason)
    answered()
  }

  function begin(claims: C, reason: Reason): void {
    sessions += 1
    publish({ status: 'in', claims, expiresAt: null, sid: `fake-${sessions}` }, reason)
  }

  function reach(): void {
    if (fake.unreachable) throw new SessionError('unreachable', 'this fake session is set to be unreachable')
  }

  /** What a gateway answers, as soon as there is an answer. */
  async function answer(): Promise<Snapshot<C>> {
    reach()
    await firstAnswer
    return state.now()
  }

  async function ready(): Promise<Snapshot<C>> {
    return state.now().status === 'unknown' ? answer() : state.now()
  }

  const fake: FakeSession<C> = {
    session: {
      get snapshot() {
        return state.now()
      },
      get likelyLoggedIn() {
        return state.now().status === 'in'
      },
      subscribe: state.subscribe,
      onChange: state.onChange,
      onReset: state.onReset,
      ready,
      check: answer,
      async fetch(input, init) {
        reach()
        if (!options.fetch) throw new Error('session.fetch was called: give fakeSession({ fetch }) what it shall answer')
        const owner = state.owner()
        const response = await options.fetch(input, init)
        if (owner && owner !== state.owner()) throw new DOMException('another user', 'AbortError')
        return response
      },
      async ensureFresh() {
        if ((await ready()).status !== 'in') return false
        reach()
        return true
      },
      login: (options = {}) => void logins.push(options),
      async logout(options = {}) {
        reach()
        logouts.push(options)
        publish(out, 'logout')
      },
      dispose: () => undefined,
    },
    logIn: (claims) => begin(claims, 'login'),
    expire: () => publish(out, 'expired'),
    switchTo: (claims) => begin(claims, 'remote'),
    logOutElsewhere: () => publish(out, 'remote'),
    unreachable: false,
    logins,
    logouts,
  }
  if (options.claims !== undefined) fake.logIn(options.claims)
  else if (options.status !== 'unknown') publish(out, 'init')
  return fake
}
