// Which routes are for users only. The guard keeps nothing: it asks the session at every navigation (rule 11).
import type { Session } from '@cloakroom/client'

/** What the guard reads of vue-router's target. */
export interface GuardTarget {
  readonly name?: string | symbol | null | undefined
  readonly fullPath: string
  readonly meta: Record<PropertyKey, unknown>
}

/** Which routes are open, and which show the login and the trouble. */
export interface GuardOptions<To extends GuardTarget = GuardTarget> {
  /** True for the routes that everybody may see. */
  readonly public?: (to: To) => unknown
  /**
   * The name of the route with the button that logs in. It gets the path to come back to as `query.returnTo`, for
   * `login({ returnTo })`. Without it the guard leaves the page for the login at once.
   */
  readonly loginRoute?: string | symbol
  /**
   * The name of the route that is shown when nobody can tell who is logged in; `route.redirectedFrom` is where it was
   * going. Without it the navigation fails with the client's `SessionError`, for `router.onError`.
   */
  readonly errorRoute?: string | symbol
}

/** A guard for `router.beforeEach`. */
export type LoginGuard<To extends GuardTarget> = (
  to: To,
) => Promise<boolean | { name: string | symbol, query?: { returnTo: string } }>

/**
 * Lets through who is logged in, and whoever goes to a public route. On a server it lets everything pass: the browser
 * asks again.
 *
 * ```ts
 * router.beforeEach(requireLogin(session, { public: (to) => to.meta.public, loginRoute: 'login' }))
 * ```
 */
export function requireLogin<To extends GuardTarget>(
  session: Pick<Session<unknown>, 'ready' | 'login'>,
  { public: isPublic, loginRoute, errorRoute }: GuardOptions<To> = {},
): LoginGuard<To> {
  return async (to) => {
    // Many routes have no name: that is not the name of a login route that there is not.
    if (isPublic?.(to) || (to.name && [loginRoute, errorRoute].includes(to.name))) return true
    try {
      if ((await session.ready()).status !== 'out') return true
    } catch (error) {
      if (!errorRoute) throw error
      return { name: errorRoute }
    }
    const returnTo = pathOf(to)
    if (loginRoute) return { name: loginRoute, query: { returnTo } }
    session.login({ returnTo })
    return false
  }
}

/** The path, with the router's base or in its hash. The router's resolved target knows it, its type does not. */
function pathOf({ fullPath, href = fullPath }: GuardTarget & { href?: string }): string {
  const { pathname, search, hash } = new URL(href, location.href)
  // Two slashes at the front would be another host.
  return (pathname + search + hash).replace(/^\/+/, '/')
}
