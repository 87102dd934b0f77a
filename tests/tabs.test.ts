// Many tabs, many requests, one expired token: one refresh (rule 3).
import type { BrowserContext } from 'playwright-core'
import { expect, test } from 'vitest'
import { inEachEngine, launch } from './support/browser.ts'
import { modes } from './support/kinds.ts'
import { expectAnswered, expiry, logInAt, mode, openShop, openTabs, orderIn, type ShopWorld } from './support/shop.ts'

const tabs = 4
const requests = 8
/** Seconds: long enough that a token outlives the requests that got it, short enough to wait for. */
const lifetime = 6

inEachEngine((engine) => {
  test.for(modes)('four tabs with eight requests each and an expired token, in mode $name: one refresh (rule 3)', async ({ name, verifies }) => {
    const world = await openShop(mode(name))
    const browser = await launch({ engine })
    // In the other modes the gateway refreshes by itself.
    await expectOneRefreshPerExpiry(world, browser, verifies ? 3 : 1, verifies ? 1 : 0)
  })

  test('the same without Web Locks: the gateway refreshes once all the same (rule 3)', async () => {
    const world = await openShop(mode('jwt'))
    const browser = await launch({ engine })
    await browser.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }))
    await expectOneRefreshPerExpiry(world, browser, 2)
  })

  test('the same without BroadcastChannel', async () => {
    const world = await openShop(mode('jwt'))
    const browser = await launch({ engine })
    await browser.addInitScript(() => Reflect.deleteProperty(window, 'BroadcastChannel'))
    await expectOneRefreshPerExpiry(world, browser, 1)
  })

  test('the same with storage that may not be used (rule 8)', async () => {
    const world = await openShop(mode('jwt'))
    const browser = await launch({ engine })
    await browser.addInitScript((origin) => {
      if (location.origin !== origin) return
      const forbidden = { get: () => { throw new DOMException('The operation is insecure.', 'SecurityError') } }
      Object.defineProperty(window, 'localStorage', forbidden)
    }, world.url)
    await expectOneRefreshPerExpiry(world, browser, 1)
  })
})

/** So many rounds; each may take `calls` requests to the refresh endpoint, any number if not said. */
async function expectOneRefreshPerExpiry(world: ShopWorld, browser: BrowserContext, rounds: number, calls?: number): Promise<void> {
  const pages = await openTabs(browser, world, tabs)
  await logInAt(pages[0]!, world, lifetime)
  await Promise.all(pages.slice(1).map((page) => page.reload()))
  world.provider.refreshDelay = 200
  for (let round = 1; round <= rounds; round += 1) {
    await expiry(world)
    world.provider.accessTokenLifetime = round < rounds ? lifetime : 600
    expectAnswered(await orderIn(pages, requests), world)
    expect(world.provider.refreshes, 'refreshes at the provider').toBe(round)
    if (calls !== undefined) expect(world.front.count('/auth/refresh'), 'calls of the refresh endpoint').toBe(round * calls)
  }
  expect(world.provider.refusedRefreshes, 'refreshes that the provider refused').toBe(0)
  expect(world.provider.endedGrants.size, 'grants that were ended').toBe(0)
  for (const page of pages) {
    expect(await page.evaluate(() => window.shop.session.check())).toMatchObject({ status: 'in' })
  }
}
