// The login service of an application of the common kind, on its own site: a POST with name and password is
// answered with an access token (a JWT under a shared secret that names neither issuer nor audience) and a
// rotating refresh token, as JSON. Using a refresh token twice ends the login.
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { jwtVerify, SignJWT, type JWTPayload } from 'jose'
import type { Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { user } from './accounts.ts'
import type { SourceOptions } from './kinds.ts'
import { bodyOf, close, listen } from './servers.ts'
import type { TokenSource } from './source.ts'
import { allowInStorage } from './storage.ts'

/** What came of one login. */
interface Grant {
  id: string
  /** The refresh token that is good now. */
  current: string
  ended: boolean
}

export class TestLoginService implements TokenSource {
  readonly issuedTokens = new Set<string>()
  readonly issuedCodes = new Set<string>()
  refreshDelay = 0
  refreshesUnderWay = 0
  lastExpiry = 0
  logins = 0
  refreshes = 0
  refusedRefreshes = 0

  readonly #options: SourceOptions
  readonly #secret = randomBytes(32).toString('base64url')
  readonly #grants = new Map<string, Grant>()
  /** The grant of each refresh token that was ever handed out. */
  readonly #refreshTokens = new Map<string, Grant>()
  #server: Server | undefined

  constructor(options: SourceOptions) {
    this.#options = options
    allowInStorage('account') // in the way of so many applications, the test page keeps the whole answer
    onTestFinished(() => this.stop())
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#options.port}`
  }

  get provider(): string {
    return `
[[provider]]
kind = "token_api"
name = "shop"
login = "/account/login"
tokens = { access = "/data/token", refresh = "/data/refreshToken", expires_in = "/data/expiresIn" }
claims = "/data/user"
refresh = { url = "${this.#url}/account/refresh", json = { refreshToken = "{refresh_token}" } }
logout = { url = "${this.#url}/account/logout", headers = { Authorization = "Bearer {access_token}" } }
`
  }

  get accessToken(): string {
    return `
[provider.access_token]
shared_secret = { env = "JWT_SECRET" }
allow_missing_issuer = true
allow_missing_audience = true
`
  }

  get routes(): string {
    return `
[[route]]
path = "/account"
upstream = "${this.#url}"
`
  }

  readonly loginRequests = ['/account/login']

  get environment(): Record<string, string> {
    return { JWT_SECRET: this.#secret }
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
    await listen(this.#server, this.#options.port)
  }

  async stop(): Promise<void> {
    if (this.#server) await close(this.#server)
    this.#server = undefined
  }

  async endGrants(): Promise<void> {
    for (const grant of this.#grants.values()) grant.ended = true
  }

  knowsOfLogout(): boolean {
    return this.#grants.size > 0 && [...this.#grants.values()].every(({ ended }) => ended)
  }

  async verify(token: string): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, Buffer.from(this.#secret), { algorithms: ['HS256'] })
      return payload
    } catch {
      return undefined
    }
  }

  async logIn(page: Page): Promise<void> {
    await page.locator('#name').fill(user.name)
    await page.locator('#password').fill(user.password)
    await page.locator('#sign-in').click()
  }

  logInAgain(page: Page): Promise<void> {
    return this.logIn(page)
  }

  async logOut(page: Page): Promise<void> {
    await page.locator('#logout').click()
    await page.getByText('logged out', { exact: true }).waitFor()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    switch (`${request.method} ${request.url}`) {
      case 'POST /account/login': {
        const { name, password } = JSON.parse(body) as { name?: string, password?: string }
        if (name !== user.name || password !== user.password) return send(response, 401, { error: 'wrong password' })
        this.logins += 1
        return send(response, 200, await this.#issue())
      }
      case 'POST /account/refresh': {
        this.refreshesUnderWay += 1
        const { refreshToken = '' } = JSON.parse(body) as { refreshToken?: string }
        const grant = this.#refreshTokens.get(refreshToken)
        const good = grant !== undefined && !grant.ended && grant.current === refreshToken
        if (grant && !good) grant.ended = true
        const answer = good ? await this.#issue(grant) : { error: 'unknown refresh token' }
        if (this.refreshDelay > 0) await new Promise((resolve) => setTimeout(resolve, this.refreshDelay))
        this.refreshesUnderWay -= 1
        if (good) this.refreshes += 1
        else this.refusedRefreshes += 1
        return send(response, good ? 200 : 401, answer)
      }
      case 'POST /account/logout': {
        const { refreshToken = '' } = JSON.parse(body || '{}') as { refreshToken?: string }
        const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
        const claims = await this.verify(token)
        const grant = this.#refreshTokens.get(refreshToken) ?? this.#grants.get(String(claims?.['grant']))
        if (!grant) return send(response, 401, { error: 'not logged in' })
        grant.ended = true
        return send(response, 200, { bye: user.name })
      }
      default:
        return send(response, 404, { error: 'not found' })
    }
  }

  async #issue(grant: Grant = { id: randomBytes(9).toString('hex'), current: '', ended: false }): Promise<object> {
    const { accessTokenLifetime } = this.#options
    grant.current = randomBytes(24).toString('base64url')
    this.#grants.set(grant.id, grant)
    this.#refreshTokens.set(grant.current, grant)
    this.lastExpiry = Date.now() + accessTokenLifetime * 1000
    const token = await new SignJWT({ grant: grant.id, name: 'Alice Liddell' })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(user.name)
      .setIssuedAt()
      .setExpirationTime(`${accessTokenLifetime}s`)
      .setJti(randomBytes(9).toString('base64url'))
      .sign(Buffer.from(this.#secret))
    for (const secret of [token, grant.current]) this.issuedTokens.add(secret)
    const { current: refreshToken } = grant
    const account = { sub: user.name, name: 'Alice Liddell', basket: ['tea', 'tarts'] }
    return { ok: true, data: { token, refreshToken, expiresIn: accessTokenLifetime, user: account } }
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
