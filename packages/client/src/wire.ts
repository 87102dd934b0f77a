// What goes over the wire, and between tabs.

/** The header `Cloakroom-Session` of an answer. */
export type Mark =
  /** The token has expired and can be refreshed. */
  | 'expired'
  /** There is no session, or it is over. */
  | 'login-required'
  /** The application's own login request has begun a session. */
  | 'started'
  /** The application's own logout request has ended it. */
  | 'ended'

/** `GET session`. */
export interface SessionAnswer {
  /** Missing while the token has expired and nobody can tell (mode `jwt`). */
  readonly loggedIn?: boolean
  /** These with `loggedIn` only. */
  readonly claims: unknown
  readonly sid: string
  readonly expiresIn: number | null
  /** Where the guard asks for one. */
  readonly csrfToken?: string
}

/** What a tab tells the others. */
export type News =
  /** It found this session. */
  | { readonly in: string }
  /** The session is over: nobody wished it, or somebody logged out. */
  | { readonly out: 'expired' | 'remote' }
  /** The token is fresh, until this time by `Date.now()`, if known. */
  | { readonly fresh: number | null }
