// The live channel: a page in which nobody does anything hears at once what happens to its session elsewhere.
import type { live } from '@cloakroom/client/live'
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { inEachEngine, launch } from './support/browser.ts'
import { until } from './support/servers.ts'
import {
  expectLoggedIn,
  expectLoggedOut,
  expiry,
  logIn,
  openWorld,
  rawRequest,
  sameOriginHeaders,
  sessionCookieValue,
  type World,
} from './support/world.ts'

/** What the page remembers of its session, newest last. */
const diary = (page: Page) => page.evaluate(() => Reflect.get(window, 'diary') as string[])

/** Lets the page listen. It may lie in the background: nobody touches it from here on. */
async function listen(page: Page): Promise<void> {
  await page.evaluate(() => {
    const listen = Reflect.get(window, 'live') as typeof live
    const session = Reflect.get(window, 'session') as Parameters<typeof live>[0] & {
      onReset: (listener: (reason: string) => void) => void
    }
    const diary: string[] = []
    Reflect.set(window, 'diary', diary)
    for (const type of ['error', 'unhandledrejection']) addEventListener(type, () => diary.push(type))
    session.onReset((reason) => diary.push(`reset: ${reason}`))
    session.subscribe(({ status }) => diary.push(status))
    listen(session)
  })
}

/** How many streams of events the gateway has opened. */
function streams({ gateway }: World): number {
  return gateway.log.split('\n').filter((line) => /path="\/auth\/events" status=200/.test(line)).length
}

/** A browser with two tabs that listen. */
async function openTabs(world: World, browser: BrowserContext): Promise<[Page, Page]> {
  const { page } = await logIn(world, '/', browser)
  const other = await browser.newPage()
  await other.goto(world.url)
  await expectLoggedIn(other)
  await listen(page)
  await until('a stream', () => streams(world) === 1)
  await listen(other)
  return [page, other]
}

/** Somebody else who has the same cookie: what no tab of the browser knows of. */
async function elsewhere(world: World, browser: BrowserContext, method: string, path: string): Promise<number> {
  const headers = { ...sameOriginHeaders(await sessionCookieValue(browser)), origin: world.url }
  return (await rawRequest(world.url + path, { method, headers })).status
}

inEachEngine((engine) => {
  test('a logout elsewhere reaches all idle tabs, by one stream (R48)', async () => {
    const world = await openWorld()
    const browser = await launch({ engine })
    const tabs = await openTabs(world, browser)
    expect(await elsewhere(world, browser, 'POST', '/auth/logout')).toBe(200)
    for (const page of tabs) {
      await expectLoggedOut(page)
      expect(await diary(page)).toEqual(['in', 'reset: remote', 'out'])
    }
    expect(streams(world)).toBe(1)
  })

  test('the tab that listens is closed: the next one does, and hears what it missed', async () => {
    const world = await openWorld()
    const browser = await launch({ engine })
    const [first, second] = await openTabs(world, browser)
    await first.close()
    await until('another stream', () => streams(world) === 2)
    expect(await elsewhere(world, browser, 'POST', '/auth/logout')).toBe(200)
    await expectLoggedOut(second)
  })

  test('a session that ended at the provider is over in an idle page, whose data survive (rule 10)', async () => {
    const world = await openWorld({ accessTokenLifetime: 2 })
    const browser = await launch({ engine })
    const [page] = await openTabs(world, browser)
    await world.provider.endGrants()
    await expiry(world)
    expect(await elsewhere(world, browser, 'GET', '/api/orders'), 'the gateway finds out').toBe(401)
    await expectLoggedOut(page)
    expect(await diary(page)).toEqual(['in', 'out'])
  })

  test('a restart of the gateway interrupts nothing but the stream', async () => {
    const world = await openWorld()
    const browser = await launch({ engine })
    const [page] = await openTabs(world, browser)
    await world.gateway.stop()
    await world.gateway.start()
    await until('the browser connects again', () => streams(world) === 2, 20_000)
    expect(await diary(page)).not.toContain('out')
    expect(await elsewhere(world, browser, 'POST', '/auth/logout')).toBe(200)
    await expectLoggedOut(page)
  })

  test('an older gateway without the endpoint is asked once, and nothing happens', async () => {
    const world = await openWorld()
    const browser = await launch({ engine })
    let asked = 0
    await browser.route('**/auth/events', (route) => {
      asked += 1
      return route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{}' })
    })
    const { page } = await logIn(world, '/', browser)
    await listen(page)
    await until('the question', () => asked === 1)
    const other = await browser.newPage()
    await other.goto(world.url)
    await expectLoggedIn(other)
    await listen(other)
    // Neither another tab nor another look at the session, nor a call asks again.
    const status = await page.evaluate(async () => {
      const session = Reflect.get(window, 'session') as { check: () => Promise<{ status: string }>, fetch: typeof fetch }
      await session.fetch('/api/orders')
      return (await session.check()).status
    })
    expect(status).toBe('in')
    expect(asked).toBe(1)
    // The same document still, which has seen nothing. (Firefox tells its console that there is no stream.)
    expect(new Set(await diary(page))).toEqual(new Set(['in']))
  })
})

test('a page that listened comes back from the back/forward cache, and has heard what it missed (rule 9)', async () => {
  const world = await openWorld()
  // Firefox keeps no page that has asked for a lock or opened a stream.
  const browser = await launch({ backForwardCache: true })
  const { page } = await logIn(world, '/', browser)
  await listen(page)
  await until('a stream', () => streams(world) === 1)
  const walk = async (step: () => void, search: string): Promise<void> => {
    await page.evaluate(step)
    await until(`the page with "${search}"`, () => {
      return page.evaluate((search) => location.search === search, search).catch(() => false)
    })
  }
  // Not to a page over the client: what it tells other tabs would take the kept page out of the cache.
  await walk(() => location.assign('/client/hint.js?elsewhere'), '?elsewhere')
  await walk(() => history.back(), '')
  expect(await diary(page), 'the same document as before').toContain('in')
  await until('its next stream', () => streams(world) === 2)
  expect(await elsewhere(world, browser, 'POST', '/auth/logout')).toBe(200)
  await expectLoggedOut(page)
  expect((await diary(page)).slice(-2)).toEqual(['reset: remote', 'out'])
})
