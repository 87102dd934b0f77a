// Forgets what an application's stores hold of a user, before anything of the next one is shown.
import type { Session } from '@cloakroom/client'
import { resetPinia, type PiniaLike } from './reset/pinia.js'
import { resetQueries, type QueryClientLike } from './reset/query.js'
import { resetVuex, type VuexLike } from './reset/vuex.js'

/** Where an application keeps what it knows of its user. */
export interface Resettable {
  /** Of pinia 3 or 4. All its stores are reset, whenever they are made. */
  readonly pinia?: PiniaLike
  /** A store of Vuex 4. All its modules are reset, whenever they are registered. */
  readonly vuex?: VuexLike
  /** Of TanStack Query 5. */
  readonly queryClient?: QueryClientLike
}

/**
 * Resets the stores whenever the session's user changes or leaves; gives the function that ends it.
 *
 * - pinia: each store's `$reset()`. A setup store must bring its own: one without is named in the console as soon as
 *   it is made (by pinia's development build), and reloads the page when it should be reset.
 * - Vuex: every module's `state` must be a function. Throws where one is not; a module that is registered later
 *   reloads the page when it should be reset.
 * - TanStack Query: requests under way are cancelled, queries and mutations forgotten. What mounted components still
 *   observe is emptied, and asked for again once somebody is logged in.
 *
 * ```ts
 * resetOnLogout(session, { pinia, queryClient })
 * ```
 */
export function resetOnLogout(
  session: Pick<Session<unknown>, 'onChange' | 'onReset'>,
  { pinia, vuex, queryClient }: Resettable,
): () => void {
  const ends = [
    pinia && resetPinia(session, pinia),
    vuex && resetVuex(session, vuex),
    queryClient && resetQueries(session, queryClient),
  ]
  return () => ends.forEach((end) => end?.())
}
