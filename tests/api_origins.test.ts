// A page on one host that calls an API on another: `apiOrigins` of the client, `[guard] allow_origins` of the gateway
// (R42), and what any other origin gets of it (rule 1).
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { inEachEngine, launch, type Engine } from './support/browser.ts'
import { kindsOf, server, sources, type Kind } from './support/kinds.ts'
import { serve } from './support/servers.ts'
import type { TokenSource } from './support/source.ts'
import {
  call,
  expectLoggedIn,
  expectLoggedOut,
  expiry,
  fetchIn,
  logIn,
  openWorldOf,
  type World,
} from './support/world.ts'

const parent = 'shop.localhost'
const guard = 'required_header = "X-Requested-With"\ncsrf_token = { header = "X-CSRF-Token" }'
const signed = { csrfHeader: 'X-CSRF-Token', requiredHeader: 'X-Requested-With' }

interface Hosts {
  world: World<TokenSource>
  /** A browser whose pages list the API's origin. */
  browser: BrowserContext
  app: string
  api: string
  /** A host of the gateway whose pages are not let in. */
  admin: string
}

const atServer: Kind = { source: 'oidc', open: sources['oidc']!, mode: server }
const withAccessCookie = kindsOf('oidc').find(({ mode }) => mode.name === 'jwt')!

/** One login for three hosts of a gateway; pages of `app` may call the others. */
async function openHosts(engine: Engine, kind: Kind = atServer, accessTokenLifetime = 600): Promise<Hosts> {
  const at = (host: string) => (port: number) => `http://${host}.${parent}:${port}`
  const [app, api, admin] = [at('app'), at('api'), at('admin')]
  const world = await openWorldOf(kind, {
    url: app,
    also: (port) => [api(port), admin(port)],
    cookie: `parent_domain = "${parent}"`,
    guard: (port) => `${guard}\nallow_origins = [${JSON.stringify(app(port))}]`,
    accessTokenLifetime,
  })
  const browser = await launch({ engine })
  const options = { ...signed, apiOrigins: [api(world.port)] }
  await browser.addInitScript((options) => Reflect.set(window, 'sessionOptions', options), options)
  return { world, browser, app: world.url, api: api(world.port), admin: admin(world.port) }
}

/** What a server on another origin, which lets everybody in, is sent by this page. */
async function openElsewhere(host: string): Promise<{ url: string, received: NodeJS.Dict<string | string[]>[] }> {
  const received: NodeJS.Dict<string | string[]>[] = []
  const { port } = await serve((request, response) => {
    received.push(request.headers)
    response.writeHead(200, {
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
    }).end('{}')
  })
  return { url: `http://${host}:${port}/api/orders`, received }
}

/** What becomes of a call from within the page: a status, or that the browser handed nothing over. */
function outcome(page: Page, url: string): Promise<string> {
  return call(page, url).then(({ status }) => String(status), () => 'refused')
}

inEachEngine((engine) => {
  test('a page calls the API on another host, with cookie, CSRF token and required header (R42)', async () => {
    const { world, browser, api } = await openHosts(engine)
    const { page } = await logIn(world, '/', browser)
    const answer = await call(page, `${api}/api/orders`)
    expect(answer.status, answer.body).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ subject: 'alice', method: 'POST', body: '{"amount":1}' })
    const [arrival, ...more] = world.api.arrivals
    expect(more, 'the preflight is answered by the gateway').toEqual([])
    expect(arrival?.headers).toMatchObject({ 'x-forwarded-host': new URL(api).host, origin: world.url })
    expect(arrival?.headers).not.toHaveProperty('cookie')
    expect(arrival?.headers).not.toHaveProperty('x-csrf-token')

    // What a fetch of the page's own must say by itself.
    const url = `${api}/api/orders`
    expect(await fetchIn(page, url, { credentials: 'include' })).toMatchObject({ status: 200 })
    expect(await fetchIn(page, url), 'without the cookie').toMatchObject({ status: 401, session: 'login-required' })

    await world.provider.logOut(page)
    await expectLoggedOut(page)
    expect(await call(page, url)).toMatchObject({ status: 401, session: 'login-required' })
  })

  test('an expired token on the other host is refreshed once, and the calls are repeated there (rule 3)', async () => {
    const { world, browser, api } = await openHosts(engine, withAccessCookie, 4)
    const { page } = await logIn(world, '/', browser)
    await expiry(world)
    const before = world.provider.refreshes
    const answers = await Promise.all([`${api}/api/1`, `${api}/api/2`, '/api/3', `${api}/api/4`].map((url) => call(page, url)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(world.provider.refreshes - before).toBe(1)
    expect(world.api.arrivals.map(({ path }) => path).sort()).toEqual(['/api/1', '/api/2', '/api/3', '/api/4'])
    await expectLoggedIn(page)
  })

  test('any other origin is sent neither cookie nor CSRF token nor required header (rule 1)', async () => {
    const { world, browser } = await openHosts(engine)
    const { page } = await logIn(world, '/', browser)
    for (const host of [`evil.${parent}`, '127.0.0.1']) {
      const elsewhere = await openElsewhere(host)
      expect(await outcome(page, elsewhere.url)).toBe('200')
      expect(elsewhere.received.length).toBeGreaterThan(0)
      for (const headers of elsewhere.received) {
        expect(headers).not.toHaveProperty('cookie')
        expect(headers).not.toHaveProperty('x-csrf-token')
        expect(headers).not.toHaveProperty('x-requested-with')
        expect(headers['access-control-request-headers'] ?? '').not.toMatch(/x-/)
      }
    }
    // The price of `parent_domain` for whoever asks for it: what keeps the cookie here is that nobody does.
    const sibling = await openElsewhere(`evil.${parent}`)
    await fetchIn(page, sibling.url, { credentials: 'include' })
    expect(sibling.received.at(-1)?.['cookie']).toContain('__Secure-session=')
  })

  test('a page of a host that is not listed is refused, whatever it sends (R38, R42)', async () => {
    const { world, browser, app, api, admin } = await openHosts(engine)
    await logIn(world, '/', browser)
    const page = await browser.newPage()
    await page.goto(admin)
    await expectLoggedIn(page)
    for (const url of [`${api}/api/orders`, `${app}/api/orders`]) expect(await outcome(page, url)).toBe('refused')
    const simple = (url: string) => page.evaluate((url) =>
      fetch(url, { method: 'POST', credentials: 'include', mode: 'no-cors', body: '{}' }).then(() => 'sent', () => 'refused'), url)
    expect(await simple(`${app}/api/orders`), 'no preflight asks, and yet').toBe('refused')
    expect(world.api.arrivals).toEqual([])
    expect(world.gateway.log).toMatch(/method="POST" path="\/api\/orders" status=403 reason="cross-site"/)
    expect(await outcome(page, '/api/orders'), 'its own API').toBe('200')
  })

  test('a listed page opens a WebSocket and an EventSource on the other host (R43)', async () => {
    const { world, browser, api, admin } = await openHosts(engine)
    const { page } = await logIn(world, '/', browser)
    expect(await echo(page, api)).toBe('alice: hello')
    const events = await page.evaluate((url) => new Promise<string>((resolve, reject) => {
      const source = new EventSource(url, { withCredentials: true })
      source.onmessage = ({ data }) => { source.close(); resolve(String(data)) }
      source.onerror = () => reject(new Error('no stream'))
    }), `${api}/api/events`)
    expect(events).toBe('1')
    const stranger = await browser.newPage()
    await stranger.goto(admin)
    await expectLoggedIn(stranger)
    expect(await echo(stranger, api)).toBe('closed')
  })
})

/** What comes back over a WebSocket that the page opens. */
function echo(page: Page, origin: string): Promise<string> {
  return page.evaluate((url) => new Promise<string>((resolve) => {
    const socket = new WebSocket(url)
    socket.onopen = () => socket.send('hello')
    socket.onmessage = ({ data }) => { resolve(String(data)); socket.close() }
    socket.onclose = () => resolve('closed')
  }), `${origin.replace('http', 'ws')}/api/socket`)
}
