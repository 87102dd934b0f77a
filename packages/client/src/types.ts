// What an application sees of the session. Nothing here ever holds a token.

/**
 * Where an application says what its claims look like, once for all:
 *
 * ```ts
 * declare module '@cloakroom/client' {
 *   interface Register { claims: { sub: string, name: string, roles: string[] } }
 * }
 * ```
 */
export interface Register {}

/** What `GET /auth/session` says of the user, in OpenID's words. */
export interface StandardClaims {
  readonly sub: string
  readonly name?: string
  readonly email?: string
  readonly [claim: string]: unknown
}

/** The claims that the application registered, or OpenID's. */
export type Claims = Register extends { claims: infer Registered } ? Registered : StandardClaims

/** Nobody knows yet: before the first answer, and always on a server. */
export interface UnknownSession {
  readonly status: 'unknown'
  readonly claims: null
  readonly expiresAt: null
  readonly sid: null
}

/** Nobody is logged in. */
export interface NoSession {
  readonly status: 'out'
  readonly claims: null
  readonly expiresAt: null
  readonly sid: null
}

/** Somebody is logged in. */
export interface LiveSession<C = Claims> {
  readonly status: 'in'
  readonly claims: C
  /** When the access token ends, in milliseconds since 1970 by this browser's clock; `null` where nobody knows. */
  readonly expiresAt: number | null
  /** A handle of the session: equal for as long as it is the same session. It opens nothing. */
  readonly sid: string
}

/** The session as this tab knows it. The reference stays the same until something changes. */
export type Snapshot<C = Claims> = UnknownSession | NoSession | LiveSession<C>

/**
 * Why a snapshot replaced another one:
 *
 * - `init`: the first answer.
 * - `login`: a login of this tab.
 * - `refresh`: the same session, its token or its claims are new.
 * - `logout`: a logout of this tab.
 * - `expired`: the session ended without anybody's wish. Nothing is reset, so that unsaved work survives.
 * - `switched`: another session stands in the place of the one before. All was reset.
 * - `remote`: another tab, or the server, logged in or out.
 */
export type Reason = 'init' | 'login' | 'refresh' | 'logout' | 'expired' | 'switched' | 'remote'

/** Where a login leads, and how. */
export interface LoginOptions {
  /** A path of this origin to come back to, the present page by default; the gateway takes no other. */
  readonly returnTo?: string
  /** The name of the provider, where the gateway has several. */
  readonly provider?: string
}

/** Which sessions a logout ends. */
export interface LogoutOptions {
  /** All sessions of the user, on every device. */
  readonly everywhere?: boolean
}

/** Checks and shapes claims: any validator of the Standard Schema kind (zod, valibot, arktype …). */
export interface ClaimsSchema<C> {
  readonly '~standard': {
    readonly validate: (value: unknown) => ClaimsResult<C> | Promise<ClaimsResult<C>>
  }
}

/** What such a validator answers. */
export type ClaimsResult<C> =
  | { readonly value: C, readonly issues?: undefined }
  | { readonly issues: readonly unknown[] }

/** How a session is made. */
export interface SessionOptions<C = Claims> {
  /** The path of the control endpoints; `/auth` by default. */
  readonly base?: string
  /** Further origins that get the session cookie and the CSRF header, for example `https://api.example.com`. */
  readonly apiOrigins?: readonly string[]
  /** What a tab does that finds the session over without anybody's wish: an event alone, or a navigation to the login. */
  readonly onExpired?: 'event' | 'redirect'
  /** The header of the gateway's `[guard] csrf_token`, where it has one. */
  readonly csrfHeader?: string
  /** The header of the gateway's `[guard] required_header`, where it has one; sent with the value `1`. */
  readonly requiredHeader?: string
  /** Checks the claims. An answer whose claims do not pass is an error and changes nothing. */
  readonly claims?: ClaimsSchema<C>
}

/** The session of this tab. All functions may be taken off it: they need no `this`. */
export interface Session<C = Claims> {
  /** What is known now. */
  readonly snapshot: Snapshot<C>
  /** What localStorage remembers of the last visit: a hint for the first paint, never a decision. */
  readonly likelyLoggedIn: boolean
  /** Calls at once and at every change; gives the function that ends it. */
  readonly subscribe: (listener: (snapshot: Snapshot<C>) => void) => () => void
  /** Calls at every change, with its reason; gives the function that ends it. */
  readonly onChange: (listener: (snapshot: Snapshot<C>, reason: Reason) => void) => () => void
  /**
   * Calls before a snapshot is published that no longer belongs to the user whose data the page holds. Whoever keeps
   * data of a user forgets it here, at once. If a listener throws, nothing is published and the page reloads.
   */
  readonly onReset: (listener: (reason: Reason) => void) => () => void
  /** Waits for the first answer; all callers share one request. Rejects with `SessionError`; the next call asks again. */
  readonly ready: () => Promise<Snapshot<C>>
  /**
   * Asks the server again and publishes what changed. Rejects with `SessionError` where it cannot be asked; the state
   * stays as it was. `over` is the reason to give if the session turns out to be over: `expired`, which resets
   * nothing, or `remote`; by default `expired` unless a tab logged out.
   */
  readonly check: (over?: 'expired' | 'remote') => Promise<Snapshot<C>>
  /**
   * `fetch`, with the session: refreshes and repeats where the gateway says that the token has expired. Rejects with an
   * `AbortError` where the user's data was reset meanwhile.
   */
  readonly fetch: typeof fetch
  /**
   * Sees that the access token lasts for another `milliseconds` (30,000 by default) as far as the provider's tokens
   * do, for what cannot be repeated: a WebSocket, an EventSource, an image, a download, a streaming upload. `Infinity`
   * asks the server in any case. False where nobody is logged in; rejects with `SessionError` where nobody can tell.
   */
  readonly ensureFresh: (milliseconds?: number) => Promise<boolean>
  /** Leaves the page for the login. */
  readonly login: (options?: LoginOptions) => void
  /** Ends the session here, at the provider and in all tabs, then leaves the page. */
  readonly logout: (options?: LogoutOptions) => Promise<void>
  /** Ends listening to the page and to other tabs: for tests and hot reload. */
  readonly dispose: () => void
}
