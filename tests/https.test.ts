// The gateway with its own TLS, in a Chromium that trusts the test's authority: https://shop.test and the plain
// port of http://shop.test, both on their usual ports as the browser sees them.
import type { BrowserContext, Request, Response } from 'playwright-core'
import { expect, test } from 'vitest'
import { launch } from './support/browser.ts'
import { certificatesFor } from './support/certificates.ts'
import { freePort, serve } from './support/servers.ts'
import {
  expectApiAnswers,
  expectLoggedIn,
  expectLoggedOut,
  logIn,
  openWorld,
  rawRequest,
  sameOriginHeaders,
  sessionCookie,
  sessionCookieValue,
  type World,
} from './support/world.ts'

const year = 365 * 24 * 60 * 60

interface SecureWorld extends World {
  /** The port of 127.0.0.1 that browsers take for port 80. */
  plainPort: number
  /** Starts a browser that knows the way and trusts the certificate. */
  browse: () => Promise<BrowserContext>
}

async function openSecureWorld(): Promise<SecureWorld> {
  const { certificate, key, home } = await certificatesFor('shop.test')
  const plainPort = await freePort()
  const world = await openWorld({
    url: () => 'https://shop.test',
    listen: `tls = { certificate = "${certificate}", key = "${key}" }\nredirect_from = "127.0.0.1:${plainPort}"`,
  })
  const rules = [`MAP shop.test:443 127.0.0.1:${world.port}`, `MAP shop.test:80 127.0.0.1:${plainPort}`]
  const flags = [`--host-resolver-rules=${rules.join(',')}`]
  return { ...world, plainPort, browse: () => launch({ flags, home }) }
}

/** The addresses and statuses of a navigation, redirect by redirect. */
async function chain(response: Response | null): Promise<string[]> {
  const steps: string[] = []
  for (let request: Request | null | undefined = response?.request(); request; request = request.redirectedFrom()) {
    const answer = await request.response()
    steps.unshift(`${answer?.status()} ${request.url()}`)
  }
  return steps
}

test('login, call and logout over https; the session cookie is Secure, every answer has HSTS (R19, R70)', async () => {
  const world = await openSecureWorld()
  const { browser, page } = await logIn(world, '/', await world.browse())
  expect(page.url()).toBe('https://shop.test/')
  expect(await page.evaluate(() => isSecureContext)).toBe(true)
  expect(await browser.cookies()).toContainEqual(expect.objectContaining({
    name: sessionCookie,
    domain: 'shop.test',
    secure: true,
    httpOnly: true,
  }))
  await expectApiAnswers(page)
  const answer = await page.reload()
  const [maxAge] = /\d+/.exec((await answer?.headerValue('strict-transport-security')) ?? '') ?? []
  expect(Number(maxAge)).toBeGreaterThanOrEqual(year)
  expect(await answer?.headerValue('content-security-policy')).toContain('upgrade-insecure-requests')
  await expectLoggedIn(page)
  expect(world.api.arrivals.at(-1)?.headers['x-forwarded-proto']).toBe('https')

  await world.provider.logOut(page)
  await expectLoggedOut(page)
  expect(page.url()).toBe('https://shop.test/')
  expect((await browser.cookies()).filter(({ domain }) => domain === 'shop.test')).toEqual([])
})

test('http leads to https once over the network; from then on the browser itself upgrades (R70, F3)', async () => {
  const world = await openSecureWorld()
  const browser = await world.browse()
  const page = await browser.newPage()
  const first = await page.goto('http://shop.test/orders/7?tab=lines')
  expect(await chain(first)).toEqual([
    '308 http://shop.test/orders/7?tab=lines',
    '200 https://shop.test/orders/7?tab=lines',
  ])

  const second = await page.goto('http://shop.test/orders/8')
  expect(await chain(second)).toEqual(['307 http://shop.test/orders/8', '200 https://shop.test/orders/8'])
  const upgraded = await second?.request().redirectedFrom()?.response()
  expect((await upgraded?.allHeaders())?.['non-authoritative-reason']).toBe('HSTS')
})

test('a POST to the plain port is refused, also with a good cookie, and nothing reaches the API (F3)', async () => {
  const world = await openSecureWorld()
  const { browser } = await logIn(world, '/', await world.browse())
  const cookie = await sessionCookieValue(browser)
  const arrived = world.api.arrivals.length
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const answer = await rawRequest(`http://shop.test:${world.plainPort}/api/orders`, {
      method,
      headers: { ...sameOriginHeaders(cookie), host: 'shop.test', origin: 'https://shop.test' },
      body: '{"amount":1}',
    })
    expect(answer.status, method).toBe(403)
    expect(answer.headers['location'], method).toBeUndefined()
    expect(answer.headers['set-cookie'], method).toBeUndefined()
    expect(answer.headers['connection'], method).toBe('close')
  }
  expect(world.api.arrivals.length).toBe(arrived)
})

test('a form that posts to http is refused by the plain port, before the browser knows HSTS (F3)', async () => {
  const world = await openSecureWorld()
  const browser = await world.browse()
  const { port } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<!doctype html><form method="post" action="http://shop.test/api/orders"><button>Order</button></form>')
  })
  const page = await browser.newPage()
  await page.goto(`http://localhost:${port}`)
  const answer = page.waitForResponse('http://shop.test/api/orders')
  await page.getByRole('button').click()
  expect((await answer).status()).toBe(403)
  expect(world.api.arrivals).toEqual([])
})

test('a WebSocket works over https', async () => {
  const world = await openSecureWorld()
  const { page } = await logIn(world, '/', await world.browse())
  const answer = await page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket('wss://shop.test/api/socket')
    socket.onerror = () => reject(new Error('the WebSocket failed'))
    socket.onopen = () => socket.send('one')
    socket.onmessage = ({ data }) => resolve(data)
  }))
  expect(answer).toBe('alice: one')
})
test('HTTP/2 carries what the page does, cookies and all', async () => {
  const world = await openSecureWorld()
  const { page } = await logIn(world, '/', await world.browse())
  await page.evaluate(() => { document.cookie = 'theme=dark' })
  await expectApiAnswers(page)
  const protocols = await page.evaluate(() => performance.getEntriesByType('resource')
    .map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol))
  expect(new Set(protocols)).toEqual(new Set(['h2']))
  expect(world.api.arrivals.at(-1)?.headers.cookie).toBe('theme=dark')
})

