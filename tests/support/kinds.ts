// Where tokens come from × how the gateway keeps them. The suite runs as a whole over this table: a row
// that is added here runs all of it.
import { TestLoginService } from './login_service.ts'
import { TestProvider } from './provider.ts'
import type { TokenSource } from './source.ts'

/** What a source must know before it starts. */
export interface SourceOptions {
  port: number
  /** Where the gateway is seen by browsers. */
  publicUrl: string
  /** Further addresses of it. */
  also: string[]
  /** Lifetime of access tokens in seconds. */
  accessTokenLifetime: number
}

/** A way to keep token sets, and what one must know of it to judge it. */
export interface SessionMode {
  /** As in `[session] mode`. */
  name: 'server' | 'sealed' | 'jwt'
  /** Keys of `[session]` that choose it. */
  session: string
  /** The cookies that a browser holds while it is logged in. */
  cookies: { name: RegExp, path: string, value: RegExp }[]
  /** The cookies of ours that upstreams get to see, with the access token as their value. */
  upstreamCookies: string[]
  /** Whether the gateway needs to verify access tokens. */
  verifies: boolean
}

export interface Kind {
  source: string
  open: (options: SourceOptions) => TokenSource
  mode: SessionMode
}

/** By the name that `[[provider]] kind` gives them. */
export const sources: Record<string, Kind['open']> = {
  oidc: (options) => new TestProvider(options),
  token_api: (options) => new TestLoginService(options),
}

export const server: SessionMode = {
  name: 'server',
  session: '',
  cookies: [{ name: /^__Host-session$/, path: '/', value: /^[\w-]{64}$/ }],
  upstreamCookies: [],
  verifies: false,
}

export const jwt: SessionMode = {
  name: 'jwt',
  session: 'mode = "jwt"',
  cookies: [
    { name: /^__Host-access_token$/, path: '/', value: /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/ },
    { name: /^__Secure-session-refresh(-[1-9])?$/, path: '/auth/refresh', value: /^[\w-]{200,}$/ },
  ],
  upstreamCookies: ['__Host-access_token'],
  verifies: true,
}

export const modes: SessionMode[] = [
  server,
  {
    name: 'sealed',
    session: 'mode = "sealed"',
    cookies: [{ name: /^__Host-session(-[1-9])?$/, path: '/', value: /^[\w-]{500,}$/ }],
    upstreamCookies: [],
    verifies: false,
  },
  jwt,
]

/** A source in every mode. */
export function kindsOf(source: string): Kind[] {
  const open = sources[source]
  if (!open) throw new Error(`the table has no source ${source}`)
  return modes.map((mode) => ({ source, open, mode }))
}
