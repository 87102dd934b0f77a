// What other pages can make a logged-in browser send: from another site (127.0.0.1), and from a sibling on
// the same site (another port of localhost), where every cookie goes along and only the guard stands.
import { expect, test } from 'vitest'
import { foreignPage, reasons, send, submitForm, subresources } from './support/foreign.ts'
import { serve, until } from './support/servers.ts'
import { logIn, openWorld, sessionCookie, type World } from './support/world.ts'

/** Where requests of this kind go, so that they can be told apart. */
function address(world: World, kind: string): string {
  return `${world.url}/api/${kind.replaceAll(' ', '-')}`
}

test.for([
  { from: 'another site', host: '127.0.0.1', cookieGoesAlong: false },
  { from: 'a sibling on the same site', host: 'localhost', cookieGoesAlong: true },
])('requests from $from are refused before the API (R36, R38, R43)', async ({ host, cookieGoesAlong }) => {
  const world = await openWorld()
  const { page: own } = await logIn(world)
  const page = await foreignPage(world.url, own, host)

  // Cookies know no ports: a server of our own on the gateway's host sees what the browser sends along.
  const cookies: (string | undefined)[] = []
  const witness = await serve((request, response) => {
    cookies.push(request.headers.cookie)
    response.end()
  })
  for (const kind of subresources) {
    await page.evaluate(send, { kind, url: `http://localhost:${witness.port}/` })
    expect(await page.evaluate(send, { kind, url: address(world, kind) }), kind).toBe('refused')
  }
  expect(cookies.map((cookie) => cookie?.includes(sessionCookie) ?? false)).toEqual(
    subresources.map(() => cookieGoesAlong),
  )
  const problem = JSON.parse(await submitForm(page, `${world.url}/api/form`))
  expect(problem).toMatchObject({ status: 403, reason: 'cross-site' })

  for (const kind of subresources) {
    const { pathname } = new URL(address(world, kind))
    const line = await until(`a log line of ${pathname}`, () =>
      world.gateway.log.split('\n').find((line) => line.includes(pathname)))
    expect(line).toContain('403')
    expect(line).toContain(reasons[kind])
  }
  expect(world.api.arrivals, 'what the API saw').toEqual([])
})

test('the same requests from the page itself go through', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  for (const kind of subresources) {
    await page.evaluate(send, { kind, url: address(world, kind) })
  }
  expect(JSON.parse(await submitForm(page, `${world.url}/api/form`))).toMatchObject({ subject: 'alice' })
  expect(world.api.arrivals.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /api/fetch',
    'POST /api/POST-by-fetch',
    'GET /api/image',
    'UPGRADE /api/WebSocket',
    'POST /api/form',
  ])
})

test('another site can neither start a login nor end a session (R40)', async () => {
  const world = await openWorld()
  const { browser, page: own } = await logIn(world)
  const page = await foreignPage(world.url, own, '127.0.0.1')
  const before = await browser.cookies(world.url)

  await page.evaluate((url) => location.assign(url), `${world.url}/auth/login?return_to=/`)
  await page.waitForURL(`${world.url}/auth/login**`)
  await page.getByRole('link', { name: 'Log in' }).waitFor() // a page that asks, not the provider
  expect(await browser.cookies(world.url)).toEqual(before)

  const again = await foreignPage(world.url, own, '127.0.0.1')
  const problem = JSON.parse(await submitForm(again, `${world.url}/auth/logout`))
  expect(problem).toMatchObject({ status: 403, reason: 'cross-site' })
  expect(await browser.cookies(world.url)).toEqual(before)
})

test('the API gets the bearer and none of our cookies, and no header that a client made up (R35, R63)', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  await page.evaluate(() => {
    document.cookie = 'theme=dark'
    return fetch('/api/headers', { headers: {
      'authorization': 'Bearer made-up',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-user': 'admin',
      'x-request-id': 'made-up',
    } })
  })
  const headers = world.api.arrivals[0]?.headers ?? {}
  expect(headers.authorization).toMatch(/^Bearer eyJ/)
  expect(headers.cookie).toBe('theme=dark')
  expect(headers['x-forwarded-for']).toBe('127.0.0.1')
  expect(headers['x-forwarded-proto']).toBe('http')
  expect(headers['x-forwarded-host']).toBe(new URL(world.url).host)
  expect(headers['x-forwarded-user']).toBeUndefined()
  expect(headers['x-request-id']).not.toBe('made-up')
})
