// An OpenID provider of somebody else's making (npm oidc-provider) on http://127.0.0.1:PORT, which is
// another site than the gateway's http://localhost:PORT: login by a form, rotating refresh tokens, JWT
// access tokens for one API, revocation, logout by the relying party.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose'
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import type { Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { client, nextUser, user } from './accounts.ts'
import { fillLoginForm } from './browser.ts'
import type { SourceOptions } from './kinds.ts'
import { bodyOf, close, listen } from './servers.ts'
import type { TokenSource } from './source.ts'

const accounts = [user, nextUser]
const fullName = (accountId: string | undefined) => accounts.find(({ name }) => name === accountId)?.fullName

/** The resource indicator (RFC 8707) that access tokens are made out to. */
const resource = 'https://api.shop.example'

/** A client without a secret: pages that keep their tokens themselves. */
export interface PublicClient {
  id: string
  redirectUris: string[]
}

/** One answered request to the token endpoint. */
export interface TokenRequest {
  grantType: string
  ok: boolean
}

export class TestProvider implements TokenSource {
  readonly issuer: string
  /** Requests to the token endpoint in the order of their answers. */
  readonly tokenRequests: TokenRequest[] = []
  readonly issuedTokens = new Set<string>()
  readonly issuedCodes = new Set<string>()
  /** Tokens that the client has revoked. */
  readonly revoked = new Set<string>()
  /** Grants of which no token is good any more, because one was used twice or on somebody's wish. */
  readonly endedGrants = new Set<string>()
  /** Lifetime in seconds of the access tokens that are issued from now on. */
  accessTokenLifetime: number
  refreshDelay = 0
  /** Nothing happens with a request to the token endpoint before this has resolved. */
  hold: Promise<void> | undefined
  refreshesUnderWay = 0
  lastExpiry = 0

  readonly #port: number
  readonly #provider: Provider
  #keys: ReturnType<typeof createRemoteJWKSet> | undefined
  readonly #grants = new Set<string>()
  #refreshToken: string | undefined
  #server: Server | undefined

  constructor(options: SourceOptions, publicClient?: PublicClient) {
    this.#port = options.port
    this.issuer = `http://127.0.0.1:${options.port}`
    this.accessTokenLifetime = options.accessTokenLifetime
    this.#provider = new Provider(this.issuer, configuration(options, () => this.accessTokenLifetime, publicClient))
    this.#watch()
    onTestFinished(() => this.stop())
  }

  get provider(): string {
    return `
[[provider]]
issuer = "${this.issuer}"
client_id = "${client.id}"
client_secret = { env = "OIDC_CLIENT_SECRET" }
resource = "${resource}"
`
  }

  get accessToken(): string {
    return `
[provider.access_token]
audience = "${resource}"
`
  }

  readonly routes = ''
  readonly loginRequests = []
  readonly environment = { OIDC_CLIENT_SECRET: client.secret }

  get logins(): number {
    return this.granted('authorization_code')
  }

  get refreshes(): number {
    return this.granted('refresh_token')
  }

  get refusedRefreshes(): number {
    return this.tokenRequests.filter(({ ok, grantType }) => !ok && grantType === 'refresh_token').length
  }

  async start(): Promise<void> {
    const answer = this.#provider.callback()
    this.#server = createServer((request, response) => {
      if (request.url?.startsWith('/interaction/')) {
        this.#interaction(request, response).catch((error: unknown) => {
          response.writeHead(500).end(String(error))
        })
      } else {
        void answer(request, response)
      }
    })
    await listen(this.#server, this.#port)
  }

  async stop(): Promise<void> {
    if (this.#server) await close(this.#server)
    this.#server = undefined
  }

  async endGrants(): Promise<void> {
    for (const grant of this.#grants) await this.#provider.RefreshToken.revokeByGrantId(grant)
  }

  knowsOfLogout(): boolean {
    return this.#refreshToken !== undefined && this.revoked.has(this.#refreshToken)
  }

  async verify(token: string): Promise<JWTPayload | undefined> {
    this.#keys ??= createRemoteJWKSet(new URL(`${this.issuer}/jwks`))
    try {
      const options = { issuer: this.issuer, audience: resource, typ: 'at+jwt' }
      return (await jwtVerify(token, this.#keys, options)).payload
    } catch {
      return undefined
    }
  }

  async logIn(page: Page): Promise<void> {
    await page.locator('#login').click()
    await fillLoginForm(page)
  }

  async logInAgain(page: Page): Promise<void> {
    await page.locator('#login').click() // the provider still knows the user: no form
  }

  async logOut(page: Page): Promise<void> {
    await page.locator('#logout').click()
    await page.waitForURL(/\/session\/end/)
    await page.getByRole('button', { name: 'Log out' }).click()
  }

  /** How many requests with this grant type were answered well. */
  granted(grantType: 'authorization_code' | 'refresh_token'): number {
    return this.tokenRequests.filter((request) => request.ok && request.grantType === grantType).length
  }

  #watch(): void {
    const remember = (ctx: KoaContextWithOIDC, ok: boolean): void => {
      this.tokenRequests.push({ grantType: String(ctx.oidc.params?.['grant_type']), ok })
      const body: unknown = ctx.body
      if (typeof body !== 'object' || body === null) return
      if ('expires_in' in body) this.lastExpiry = Date.now() + Number(body.expires_in) * 1000
      if ('refresh_token' in body) this.#refreshToken = String(body.refresh_token)
      for (const [name, value] of Object.entries(body)) {
        if (name.endsWith('_token') && typeof value === 'string') this.issuedTokens.add(value)
      }
    }
    this.#provider.on('grant.success', (ctx) => remember(ctx, true))
    this.#provider.on('grant.error', (ctx) => remember(ctx, false))
    this.#provider.on('refresh_token.saved', ({ grantId }) => { if (grantId) this.#grants.add(grantId) })
    this.#provider.on('grant.revoked', (_ctx, grantId) => this.endedGrants.add(grantId))
    this.#provider.on('authorization_code.saved', (code) => this.issuedCodes.add(code.jti))
    this.#provider.use(async (ctx, next) => {
      const during = async (time: Promise<unknown>): Promise<void> => {
        this.refreshesUnderWay += 1
        await time
        this.refreshesUnderWay -= 1
      }
      if (ctx.path === '/token' && this.hold) await during(this.hold)
      await next()
      const { params } = (ctx as unknown as Partial<KoaContextWithOIDC>).oidc ?? {}
      if (ctx.path === '/token' && params?.['grant_type'] === 'refresh_token' && this.refreshDelay > 0) {
        await during(new Promise((resolve) => setTimeout(resolve, this.refreshDelay)))
      }
      if (ctx.path === '/token/revocation' && ctx.status === 200) {
        const token = params?.['token']
        if (typeof token === 'string') this.revoked.add(token)
      }
    })
  }

  async #interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      const form = new URLSearchParams(await bodyOf(request))
      const account = accounts.find(({ name }) => name === form.get('login'))
      if (account && account.password === form.get('password')) {
        await this.#provider.interactionFinished(request, response, { login: { accountId: account.name } })
        return
      }
    }
    const { prompt } = await this.#provider.interactionDetails(request, response)
    if (prompt.name !== 'login') throw new Error(`unexpected prompt ${prompt.name}`)
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html>
      <title>Provider: log in</title>
      <form method="post">
        <input name="login" autocomplete="username"> <input name="password" type="password">
        <button>Log in</button>
      </form>`)
  }
}

function configuration(
  { publicUrl, also }: SourceOptions,
  accessTokenLifetime: () => number,
  publicClient: PublicClient | undefined,
): Configuration {
  const addresses = [publicUrl, ...also]
  return {
    clients: [{
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: addresses.map((address) => `${address}/auth/callback/default`),
      post_logout_redirect_uris: addresses.map((address) => `${address}/auth/logged-out`),
    }, ...publicClient ? [{
      client_id: publicClient.id,
      token_endpoint_auth_method: 'none' as const,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: publicClient.redirectUris,
    }] : []],
    clientBasedCORS: (_ctx, _origin, { clientId }) => clientId === publicClient?.id,
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'api'],
    cookies: { keys: ['signs the cookies of this test provider'] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    ttl: { AccessToken: accessTokenLifetime, IdToken: 600, RefreshToken: 86_400, Session: 86_400, Interaction: 600, Grant: 86_400 },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: fullName(id), email: `${id}@example.com` }),
    }),
    // Session mode `jwt` knows of the user what the access token says.
    extraTokenClaims: (_ctx, token) => ({ name: fullName('accountId' in token ? token.accountId : undefined) }),
    renderError: (ctx, out) => { ctx.body = `provider error: ${out.error}: ${out.error_description ?? ''}` },
    // Consent is given beforehand: these tests are not about it.
    loadExistingGrant: async (ctx) => {
      const { client, session, provider } = ctx.oidc
      if (!client || !session?.accountId) return undefined
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid profile email offline_access')
      grant.addResourceScope(resource, 'api')
      await grant.save()
      return grant
    },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'api',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: accessTokenLifetime(),
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<!doctype html><title>Provider: log out</title>${form}
            <button form="op.logoutForm" name="logout" value="yes">Log out</button>`
        },
      },
    },
  }
}
