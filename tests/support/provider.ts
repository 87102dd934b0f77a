// An OpenID provider of somebody else's making (npm oidc-provider) on http://127.0.0.1:PORT, which is
// another site than the gateway's http://localhost:PORT: login by a form, rotating refresh tokens, JWT
// access tokens for one API, revocation, logout by the relying party.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import Provider, { type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import { onTestFinished } from 'vitest'
import { client, user } from './accounts.ts'
import { bodyOf, close, listen } from './servers.ts'

/** One answered request to the token endpoint. */
export interface TokenRequest {
  grantType: string
  ok: boolean
}

export interface ProviderOptions {
  port: number
  /** Where the gateway is seen by browsers. */
  publicUrl: string
  /** The resource indicator (RFC 8707) that access tokens are made out to. */
  resource: string
  /** Lifetime of access tokens in seconds. */
  accessTokenLifetime?: number
}

export class TestProvider {
  readonly issuer: string
  /** Requests to the token endpoint in the order of their answers. */
  readonly tokenRequests: TokenRequest[] = []
  /** Every token that was handed out. */
  readonly issuedTokens = new Set<string>()
  /** Every authorization code that was handed out. */
  readonly issuedCodes = new Set<string>()
  /** Tokens that the client has revoked. */
  readonly revoked = new Set<string>()
  /** The answer to a refresh is held back by this many milliseconds, after the token was rotated. */
  refreshDelay = 0
  /** Refreshes that have been received and not answered. */
  refreshesUnderWay = 0

  readonly #port: number
  readonly #provider: Provider
  #server: Server | undefined

  constructor(options: ProviderOptions) {
    this.#port = options.port
    this.issuer = `http://127.0.0.1:${options.port}`
    this.#provider = new Provider(this.issuer, configuration(options))
    this.#watch()
    onTestFinished(() => this.stop())
  }

  /** Serves; also again after `stop`, with everything that it knew. */
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

  /** Goes off the air. */
  async stop(): Promise<void> {
    if (this.#server) await close(this.#server)
    this.#server = undefined
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
      for (const [name, value] of Object.entries(body)) {
        if (name.endsWith('_token') && typeof value === 'string') this.issuedTokens.add(value)
      }
    }
    this.#provider.on('grant.success', (ctx) => remember(ctx, true))
    this.#provider.on('grant.error', (ctx) => remember(ctx, false))
    this.#provider.on('authorization_code.saved', (code) => this.issuedCodes.add(code.jti))
    this.#provider.use(async (ctx, next) => {
      if (ctx.path === '/token' && this.refreshDelay > 0) {
        this.refreshesUnderWay += 1
        await next()
        await new Promise((resolve) => setTimeout(resolve, this.refreshDelay))
        this.refreshesUnderWay -= 1
        return
      }
      await next()
      if (ctx.path === '/token/revocation' && ctx.status === 200) {
        const token = (ctx as unknown as KoaContextWithOIDC).oidc.params?.['token']
        if (typeof token === 'string') this.revoked.add(token)
      }
    })
  }

  async #interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      const form = new URLSearchParams(await bodyOf(request))
      if (form.get('login') === user.name && form.get('password') === user.password) {
        await this.#provider.interactionFinished(request, response, { login: { accountId: user.name } })
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

function configuration(options: ProviderOptions): Configuration {
  const { publicUrl, resource, accessTokenLifetime = 600 } = options
  return {
    clients: [{
      client_id: client.id,
      client_secret: client.secret,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [`${publicUrl}/auth/callback/default`],
      post_logout_redirect_uris: [`${publicUrl}/auth/logged-out`],
    }],
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
      claims: () => ({ sub: id, name: 'Alice Liddell', email: 'alice@example.com' }),
    }),
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
          accessTokenTTL: accessTokenLifetime,
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
