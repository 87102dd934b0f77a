// What the tests ask of a place where tokens come from, whichever it is.
import type { JWTPayload } from 'jose'
import type { Page } from 'playwright-core'

/** Who issues tokens: an OpenID provider, an application's own login service. */
export interface TokenSource {
  /** The `[[provider]]` of the gateway's configuration. */
  readonly provider: string
  /** `[provider.access_token]`: how the gateway verifies this source's access tokens. */
  readonly accessToken: string
  /** `[[route]]`s beside that of the API. */
  readonly routes: string
  /** Paths of the gateway to which the test page posts credentials. */
  readonly loginRequests: string[]
  /** What the gateway's environment must hold. */
  readonly environment: Record<string, string>

  /** Every token that was handed out. */
  readonly issuedTokens: Set<string>
  /** Every code that stood for tokens. */
  readonly issuedCodes: Set<string>
  /** The answer to a refresh is held back by this many milliseconds, after the token was rotated. */
  refreshDelay: number
  /** Refreshes that have been received and not answered. */
  readonly refreshesUnderWay: number
  /** When the last access token expires that was handed out: milliseconds since 1970. */
  readonly lastExpiry: number
  /** How many logins and refreshes were answered well. */
  readonly logins: number
  readonly refreshes: number
  /** How many refreshes were answered with a no. */
  readonly refusedRefreshes: number

  start(): Promise<void>
  /** Goes off the air; `start` brings it back with everything that it knew. */
  stop(): Promise<void>
  /** From now on no refresh token that was handed out is good any more. */
  endGrants(): Promise<void>
  /** Whether it was told that the tokens which are current are not to be used any more. */
  knowsOfLogout(): boolean

  /** What an API makes of an access token; `undefined` where it is not good. */
  verify(token: string): Promise<JWTPayload | undefined>
  /** Logs in from the test page, as a person would. */
  logIn(page: Page): Promise<void>
  /** The same for somebody who is logged in. */
  logInAgain(page: Page): Promise<void>
  /** Logs out from the test page, as a person would, until the test page is back. */
  logOut(page: Page): Promise<void>
}
