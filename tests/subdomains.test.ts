// Several hosts behind one gateway, with one cookie for all of them (R20) and without; and what a page on a
// sibling of theirs can do, done by a real browser: `*.shop.localhost` is this machine.
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { launch } from './support/browser.ts'
import { serve } from './support/servers.ts'
import {
  expectApiAnswers,
  expectLoggedIn,
  expectLoggedOut,
  fetchIn,
  logIn,
  openWorld,
  type World,
} from './support/world.ts'

const parent = 'shop.localhost'
const domainCookie = '__Secure-session'

interface Hosts {
  world: World
  app: string
  admin: string
}

async function openHosts(cookie = ''): Promise<Hosts> {
  const admin = (port: number) => `http://admin.${parent}:${port}`
  const world = await openWorld({ url: (port) => `http://app.${parent}:${port}`, also: (port) => [admin(port)], cookie })
  return { world, app: world.url, admin: admin(world.port) }
}

const shared = `parent_domain = "${parent}"`

async function open(browser: BrowserContext, url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  return page
}

/** A page that somebody else serves on a sibling host, and the cookies that the browser sends there. */
async function openSibling(browser: BrowserContext): Promise<{ page: Page, received: string[] }> {
  const received: string[] = []
  const { port } = await serve((request, response) => {
    received.push(request.headers.cookie ?? '')
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sibling</title>')
  })
  return { page: await open(browser, `http://evil.${parent}:${port}`), received }
}

/** The handle of the session that the page is in. */
async function sessionOf(page: Page): Promise<unknown> {
  return (JSON.parse((await fetchIn(page, '/auth/session')).body) as { sid?: unknown }).sid
}

test('with a cookie for the parent domain a login on one host counts on the other, a logout too (R20)', async () => {
  const { world, app, admin } = await openHosts(shared)
  const { browser, page } = await logIn(world)
  const cookies = await browser.cookies([app, admin])
  expect(cookies).toEqual([expect.objectContaining({
    name: domainCookie,
    domain: `.${parent}`,
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
  })])

  const other = await open(browser, admin)
  await expectLoggedIn(other)
  await expectApiAnswers(other)
  expect(world.api.arrivals.at(-1)?.headers['x-forwarded-host']).toBe(new URL(admin).host)
  expect(await sessionOf(other)).toBe(await sessionOf(page))

  await world.provider.logOut(other)
  await expectLoggedOut(other)
  expect(other.url()).toBe(`${admin}/`)
  await page.reload()
  await expectLoggedOut(page)
})

test('a login begun on the second host ends there, with an address of its own at the provider (R7)', async () => {
  const { world, app, admin } = await openHosts(shared)
  const browser = await launch()
  const page = await open(browser, `${admin}/orders/7`)
  await world.provider.logIn(page)
  await expectLoggedIn(page)
  expect(page.url()).toBe(`${admin}/orders/7`)
  await expectLoggedIn(await open(browser, app))
})

test('without it each host has its own login', async () => {
  const { world, admin } = await openHosts()
  const { browser, page } = await logIn(world)
  const other = await open(browser, admin)
  await expectLoggedOut(other)
  await other.locator('#login').click() // the provider still knows the user: no form
  await expectLoggedIn(other)
  expect(other.url()).toBe(`${admin}/`)
  expect(await sessionOf(other)).not.toBe(await sessionOf(page))
  await expectApiAnswers(page)
  await expectApiAnswers(other)
})

test.for([
  { title: 'with one cookie for all', cookie: shared },
  { title: 'with a cookie each', cookie: '' },
])('a page of one host cannot call the API on the other, $title (R38)', async ({ cookie }) => {
  const { world, app, admin } = await openHosts(cookie)
  const { browser } = await logIn(world)
  const other = await open(browser, admin)
  const outcome = await other.evaluate((url) =>
    fetch(url, { method: 'POST', credentials: 'include' }).then(({ status }) => status, () => 'refused'), `${app}/api/orders`)
  expect(outcome).toBe('refused')
  expect(world.api.arrivals).toEqual([])
  expect(world.gateway.log).toMatch(/"\/api\/orders" status=403 reason="cross-site"/)
})

test('a sibling can toss nothing at a __Host- cookie (R19)', async () => {
  const { world } = await openHosts()
  const { browser, page } = await logIn(world)
  const before = await sessionOf(page)
  const attacker = await logIn(world)
  const [own] = await attacker.browser.cookies(world.url)
  const sibling = await openSibling(browser)
  expect(sibling.received.join(), 'the cookie does not go there').not.toContain('session')
  for (const path of ['/', '/api', '/auth']) {
    await toss(sibling.page, '__Host-session', own?.value ?? '', path)
    await toss(sibling.page, 'session', own?.value ?? '', path)
  }
  const names = (await browser.cookies([`${world.url}/api`, `${world.url}/auth`])).map(({ name }) => name)
  expect(names.filter((name) => name.startsWith('__Host-')), 'the browser took none').toEqual(['__Host-session'])
  await page.reload()
  await expectLoggedIn(page)
  expect(await sessionOf(page)).toBe(before)
  await expectApiAnswers(page)
})

test('with a cookie for the parent domain a sibling gets it, can log people out and in as itself, and no more (R27)', async () => {
  const { world } = await openHosts(shared)
  const { browser, page } = await logIn(world)
  const before = await sessionOf(page)
  const attacker = await logIn(world)
  const [own] = await attacker.browser.cookies(world.url)
  const sibling = await openSibling(browser)
  expect(sibling.received[0], "the price: the sibling's server is sent the session").toContain(domainCookie)
  expect(await sibling.page.evaluate(() => document.cookie), 'its scripts see nothing').toBe('')

  // On the same path the browser keeps scripts off an HttpOnly cookie.
  await toss(sibling.page, domainCookie, own?.value ?? '', '/')
  expect(await sessionOf(page)).toBe(before)

  // On a longer one it sends both: no session, rather than the wrong one.
  await toss(sibling.page, domainCookie, own?.value ?? '', '/api')
  expect(await fetchIn(page, '/api/orders')).toMatchObject({ status: 401 })
  expect(world.api.arrivals, 'what the API saw').toEqual([])
  expect(await sessionOf(page)).toBe(before)
  await toss(sibling.page, domainCookie, '', '/api', 'max-age=0')
  await expectApiAnswers(page)

  // Whoever is not logged in can be put into the attacker's session: no cookie without `__Host-` prevents it.
  const fresh = await launch()
  const planted = await openSibling(fresh)
  await toss(planted.page, domainCookie, own?.value ?? '', '/')
  const victim = await open(fresh, world.url)
  await expectLoggedIn(victim)
  expect(await sessionOf(victim)).toBe(await sessionOf(attacker.page))
})

/** Sets a cookie for the parent domain, from a page's script. */
async function toss(page: Page, name: string, value: string, path: string, more = 'max-age=600'): Promise<void> {
  await page.evaluate((cookie) => { document.cookie = cookie }, `${name}=${value}; domain=${parent}; path=${path}; secure; ${more}`)
}
