// The session in components: provided by the application, injected where it is used. Nothing lives in this module.
import type { Claims, Session, Snapshot } from '@cloakroom/client'
import { computed, inject, shallowRef, type App, type ComputedRef, type InjectionKey, type ShallowRef } from 'vue'

/** The session as components see it: what is known, in refs; what can be done, as in the client. */
export interface VueSession extends Omit<Session, 'snapshot' | 'subscribe' | 'dispose'> {
  /** What is known now. Narrow it by its `status`. */
  readonly snapshot: Readonly<ShallowRef<Snapshot>>
  /** `unknown` until somebody has called `ready()`, as `requireLogin` does, and on a server always. */
  readonly status: ComputedRef<Snapshot['status']>
  readonly loggedIn: ComputedRef<boolean>
  /** Who is logged in; `null` while nobody is, or nobody knows. */
  readonly claims: ComputedRef<Claims | null>
  /** When the access token ends, in milliseconds since 1970; `null` where nobody knows. */
  readonly expiresAt: ComputedRef<number | null>
  /** A handle of the session. As a `key` it makes everything below anew for another user. */
  readonly sid: ComputedRef<string | null>
  /** What the browser remembered when the page began: a hint for the first paint, never a decision. */
  readonly likelyLoggedIn: boolean
}

/** For `inject`, and for components that get a session of their own in a test. */
export const sessionKey: InjectionKey<VueSession> = Symbol('session')

/**
 * Gives an application its session. On a server, one for each request.
 *
 * ```ts
 * const session = createSession()
 * createApp(App).use(sessionPlugin(session)).mount('#app')
 * ```
 */
export function sessionPlugin(session: Session): { install: (app: App) => void } {
  return {
    install(app) {
      const snapshot = shallowRef(session.snapshot)
      const part = <K extends keyof Snapshot>(key: K) => computed(() => snapshot.value[key])
      app.onUnmount(session.subscribe((next) => (snapshot.value = next)))
      app.provide(sessionKey, {
        ...session,
        snapshot,
        status: part('status'),
        loggedIn: computed(() => snapshot.value.status === 'in'),
        claims: part('claims'),
        expiresAt: part('expiresAt'),
        sid: part('sid'),
      })
    },
  }
}

/**
 * The session of the application. Throws where none was provided.
 *
 * ```ts
 * const { loggedIn, claims, login, logout } = useSession()
 * ```
 */
export function useSession(): VueSession {
  const session = inject(sessionKey, null)
  if (!session) throw Error('useSession() comes after app.use(sessionPlugin(session))')
  return session
}
