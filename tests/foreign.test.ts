// What other pages can make a logged-in browser send: from another site (127.0.0.1), and from a sibling on
// the same site (another port of localhost), where every cookie goes along and only the guard stands.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { serve, until } from './support/servers.ts'
import { logIn, openWorld, sessionCookie, type World } from './support/world.ts'

/** What happened to a request, as its sender can tell. */
type Outcome = 'went through' | 'refused'

/** Runs in the foreign page: sends a request of this kind and tells how it ended. */
function send({ kind, url }: { kind: string, url: string }): Promise<Outcome> {
  const ended = (ok: boolean): Outcome => (ok ? 'went through' : 'refused')
  switch (kind) {
    case 'fetch':
      return fetch(url, { credentials: 'include' }).then((answer) => ended(answer.ok), () => 'refused')
    case 'POST by fetch':
      // The sender may not read this answer, whatever it is: the browser's own record counts.
      return fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'amount=1' })
        .then((answer) => ended(answer.ok), () => 'refused')
    case 'image':
      return new Promise((resolve) => {
        const image = new Image()
        image.onload = image.onerror = () => resolve('refused') // JSON is no image either way
        image.src = url
      })
    case 'WebSocket':
      return new Promise((resolve) => {
        const socket = new WebSocket(url.replace('http', 'ws'))
        socket.onopen = () => resolve('went through')
        socket.onclose = () => resolve('refused')
      })
    default:
      throw new Error(kind)
  }
}

/** Submits a form that posts to `url`, as a navigation; gives the answer's body. */
async function submitForm(page: Page, url: string): Promise<string> {
  const answer = page.waitForResponse((response) => response.url() === url)
  await page.evaluate((action) => {
    const form = document.createElement('form')
    form.method = 'post'
    form.action = action
    document.body.append(form)
    form.submit()
  }, url)
  return (await answer).text()
}

/** The reason for which each kind is refused: Chromium sends no Fetch Metadata with a WebSocket. */
const reasons: Record<string, string> = {
  'fetch': 'cross-site',
  'POST by fetch': 'cross-site',
  'image': 'cross-site',
  'WebSocket': 'foreign-origin',
}
const subresources = Object.keys(reasons)

/** Where requests of this kind go, so that they can be told apart. */
function address(world: World, kind: string): string {
  return `${world.url}/api/${kind.replaceAll(' ', '-')}`
}

/** A page that somebody else serves. */
async function foreignPage(world: World, own: Page, host: string): Promise<Page> {
  const { port } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Foreign</title><body>')
  })
  const page = await own.context().newPage()
  await page.goto(`http://${host}:${port}/`)
  expect(new URL(page.url()).origin).not.toBe(world.url)
  return page
}

test.for([
  { from: 'another site', host: '127.0.0.1', cookieGoesAlong: false },
  { from: 'a sibling on the same site', host: 'localhost', cookieGoesAlong: true },
])('requests from $from are refused before the API (R36, R38, R43)', async ({ host, cookieGoesAlong }) => {
  const world = await openWorld()
  const { page: own } = await logIn(world)
  const page = await foreignPage(world, own, host)

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
  const page = await foreignPage(world, own, '127.0.0.1')
  const before = await browser.cookies(world.url)

  await page.evaluate((url) => location.assign(url), `${world.url}/auth/login?return_to=/`)
  await page.waitForURL(`${world.url}/auth/login**`)
  await page.getByRole('link', { name: 'Log in' }).waitFor() // a page that asks, not the provider
  expect(await browser.cookies(world.url)).toEqual(before)

  const again = await foreignPage(world, own, '127.0.0.1')
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
