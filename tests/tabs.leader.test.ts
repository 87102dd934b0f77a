// What can happen to the tab that refreshes, and to those that wait for it.
import type { BrowserContext, Page, Request } from 'playwright-core'
import { expect, test } from 'vitest'
import { inEachEngine, launch } from './support/browser.ts'
import { modes } from './support/kinds.ts'
import { expectAnswered, expectShown, expiry, logInAt, mode, openShop, openTabs, orderIn, type ShopWorld } from './support/shop.ts'
import { until } from './support/servers.ts'

const jwt = mode('jwt')
/** Seconds. */
const lifetime = 5

inEachEngine((engine) => {
  /** Tabs of a user whose token has expired. */
  async function openExpired(tabs: number, mode = jwt): Promise<{ world: ShopWorld, browser: BrowserContext, pages: Page[] }> {
    const world = await openShop(mode)
    const browser = await launch({ engine })
    const pages = await openTabs(browser, world, tabs)
    await logInAt(pages[0]!, world, lifetime)
    await Promise.all(pages.slice(1).map((page) => page.reload()))
    await Promise.all(pages.map((page) => expectShown(page)))
    await expiry(world)
    return { world, browser, pages }
  }

  test('the tab that refreshes is closed in the middle of it: the others get their answers, of one refresh at the provider', async () => {
    const { world, browser, pages } = await openExpired(3)
    world.provider.refreshDelay = 1500
    const leader = new Promise<Page>((resolve) => browser.on('request', (request: Request) => {
      if (request.url().endsWith('/auth/refresh')) resolve(request.frame().page())
    }))
    const outcomes = pages.map((page) => orderIn([page], 8).catch(() => undefined))
    const closed = await leader
    await until('the provider is at it', () => world.provider.refreshesUnderWay > 0)
    await closed.close()
    expect(world.provider.refreshesUnderWay, 'closed in the middle').toBe(1)
    for (const [index, page] of pages.entries()) {
      const outcome = await outcomes[index]
      if (page !== closed) expectAnswered(outcome!, world)
    }
    expect(world.provider.refreshes).toBe(1)
    expect(world.provider.endedGrants.size).toBe(0)
  })

  test('the answer to a refresh is lost on its way: a repetition gets it again, the token was spent once', async () => {
    const { world, pages } = await openExpired(2)
    const lost = world.front.keepNext('/auth/refresh')
    const first = orderIn([pages[0]!], 1)
    const answer = await lost
    expect(answer.status).toBe(204)
    answer.lose()
    // Chromium repeats by itself what broke on a connection that had been good; else the call fails.
    expect(await first).toMatchObject([{ body: expect.stringMatching(/SessionError|alice/) }])
    expectAnswered(await orderIn(pages, 4), world)
    expect(world.front.count('/auth/refresh')).toBeGreaterThan(1)
    expect(world.provider.refreshes).toBe(1)
    expect(world.provider.endedGrants.size).toBe(0)
  })

  test('a 401 that comes after the refresh is over is only repeated (rule 3)', async () => {
    const { world, pages } = await openExpired(2)
    const [slow, quick] = pages as [Page, Page]
    // Sent with the expired token, answered when there is another one: once by another tab's refresh, once by its own.
    for (const refreshes of [1, 2]) {
      const kept = world.front.keepNext('/api/late')
      const late = slow.evaluate(() => window.shop.session.fetch('/api/late').then(({ status }) => status))
      const answer = await kept
      expect(answer.status).toBe(401)
      world.provider.accessTokenLifetime = lifetime
      expectAnswered(await orderIn([refreshes === 1 ? quick : slow], 2), world)
      answer.release()
      expect(await late).toBe(200)
      expect([world.front.count('/auth/refresh'), world.provider.refreshes]).toEqual([refreshes, refreshes])
      await expiry(world)
    }
  })

  test('a tab that loads in the middle of a refresh waits for it', async () => {
    const { world, pages } = await openExpired(2)
    const [first, second] = pages as [Page, Page]
    world.provider.refreshDelay = 1500
    const outcome = orderIn([first], 2)
    await until('the provider is at it', () => world.provider.refreshesUnderWay > 0)
    await second.reload()
    await expectShown(second)
    expectAnswered(await outcome, world)
    expect(world.provider.refreshes).toBe(1)
  })

  test('a refresh that never ends: calls are given up after their ten seconds, nobody is logged out, the lock is free (rules 4, 5)', async () => {
    const { world, pages } = await openExpired(2)
    const [first, second] = pages as [Page, Page]
    let release = () => {}
    world.provider.hold = new Promise((resolve) => { release = resolve })
    const call = (page: Page) => page.evaluate(async () => {
      const started = performance.now()
      const error = await window.shop.session.fetch('/api/orders').then(({ status }) => status, String)
      return { error, seconds: (performance.now() - started) / 1000, status: window.shop.session.snapshot.status }
    })
    const leading = call(first)
    await until('the provider is at it', () => world.provider.refreshesUnderWay > 0)
    const following = call(second)
    for (const [outcome, most] of [[await leading, 12], [await following, 22]] as const) {
      expect(outcome).toMatchObject({ error: expect.stringContaining('SessionError'), status: 'in' })
      expect(outcome.seconds).toBeGreaterThan(9)
      expect(outcome.seconds).toBeLessThan(most)
    }
    const locks = await second.evaluate(() => navigator.locks.query())
    expect([...locks.held ?? [], ...locks.pending ?? []]).toEqual([])
    world.provider.hold = undefined
    release()
    expectAnswered(await orderIn(pages, 4), world)
    expect(world.provider.refreshes).toBe(1)
    expect(world.provider.endedGrants.size).toBe(0)
  })

  test("the browser's clock is put back by an hour: the token's end is still noticed", async () => {
    const { world, pages } = await openExpired(2)
    for (const page of pages) {
      await page.evaluate(() => {
        const now = Date.now
        Date.now = () => now() - 3_600_000
      })
    }
    expectAnswered(await orderIn(pages, 4), world)
    expect([world.front.count('/auth/refresh'), world.provider.refreshes]).toEqual([1, 1])
  })

  test('two sessions in one page are two tabs to each other', async () => {
    const { world, pages } = await openExpired(1)
    world.provider.refreshDelay = 200
    const statuses = await pages[0]!.evaluate(async () => {
      const { session, another } = window.shop
      const one = (session: typeof another) => session.fetch('/api/orders').then(({ status }) => status)
      return Promise.all([one(session), one(another), one(session), one(another)])
    })
    expect(statuses).toEqual([200, 200, 200, 200])
    expect([world.front.count('/auth/refresh'), world.provider.refreshes]).toEqual([1, 1])
  })

  test.for(modes)('a login in one tab while the provider is at another\'s refresh, in mode $name: the new session stays (rule 7)', async (mode) => {
    const { world, browser, pages } = await openExpired(2, mode)
    const [first, second] = pages as [Page, Page]
    world.provider.refreshDelay = 3000
    const late = orderIn([first], 2)
    await until('the provider is at it', () => world.provider.refreshesUnderWay > 0)
    const sid = await logInAgain(second, world)
    expect(world.provider.refreshesUnderWay, 'logged in during the refresh').toBe(1)
    await late
    await expectSession(sid, [...pages, ...await openTabs(browser, world, 1)], world)
  })
})

/** Logs in where the provider still knows the user, so that there is no form; gives the new session's handle. */
async function logInAgain(page: Page, world: ShopWorld): Promise<string | null> {
  await page.evaluate(() => window.shop.session.login())
  await until('a second login', () => world.provider.logins === 2)
  await page.waitForURL(`${world.url}/`)
  await expectShown(page)
  return page.evaluate(() => window.shop.session.snapshot.sid)
}

/** Fails unless this session is in all of these tabs, and answers. */
async function expectSession(sid: string | null, pages: Page[], world: ShopWorld): Promise<void> {
  expectAnswered(await orderIn(pages, 2), world)
  for (const page of pages) {
    expect((await page.evaluate(() => window.shop.session.check())).sid).toBe(sid)
    await expectShown(page)
  }
}
