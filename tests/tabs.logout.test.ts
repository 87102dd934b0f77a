// One user leaves, another one comes: what the other tabs show meanwhile (rules 7, 8, 9).
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { nextUser, user } from './support/accounts.ts'
import { inEachEngine, launch } from './support/browser.ts'
import { modes } from './support/kinds.ts'
import { until } from './support/servers.ts'
import { diaryOf, expectShown, expiry, logInAt, logOutAt, mode, nextUserUnheard, openShop, openTabs, orderIn, type ShopWorld } from './support/shop.ts'

const jwt = mode('jwt')

inEachEngine((engine) => {
  /** A user in some tabs. */
  async function openLoggedIn(tabs: number, options: { mode?: typeof jwt, seconds?: number, prepare?: (browser: BrowserContext) => Promise<unknown> } = {}): Promise<{ world: ShopWorld, browser: BrowserContext, pages: Page[] }> {
    const world = await openShop(options.mode ?? jwt)
    const browser = await launch({ engine })
    await options.prepare?.(browser)
    const pages = await openTabs(browser, world, tabs)
    await logInAt(pages[0]!, world, options.seconds)
    await Promise.all(pages.slice(1).map((page) => page.reload()))
    await Promise.all(pages.map((page) => expectShown(page)))
    return { world, browser, pages }
  }

  test.for(modes)('one user logs out, another one in, in mode $name: other tabs forget the first before they show the second', async (mode) => {
    const { world, pages } = await openLoggedIn(3, { mode })
    const [first, ...others] = pages as [Page, ...Page[]]
    await logOutAt(first, world)
    for (const page of others) await page.getByText('logged out', { exact: true }).waitFor()
    await logInAt(first, world, 600, nextUser)
    for (const page of others) {
      await expectShown(page, nextUser)
      await expectForgotten(page)
    }
  })

  test('the same without BroadcastChannel: the storage tells (rule 8)', async () => {
    const prepare = (browser: BrowserContext) => browser.addInitScript(() => Reflect.deleteProperty(window, 'BroadcastChannel'))
    const { world, pages } = await openLoggedIn(2, { prepare })
    const [first, second] = pages as [Page, Page]
    await logOutAt(first, world)
    await second.getByText('logged out', { exact: true }).waitFor()
    await logInAt(first, world, 600, nextUser)
    await expectShown(second, nextUser)
    await expectForgotten(second)
  })

  test('nobody told of it: whoever looks at the tab again sees nothing of the user before (rule 9)', async () => {
    const { world, browser, pages } = await openLoggedIn(1)
    const [page] = pages as [Page]
    const changeUser = await nextUserUnheard(world, browser, engine)
    await changeUser()
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })))
    await expectShown(page, nextUser)
    await expectForgotten(page, 'switched')
  })

  test('a logout while another tab refreshes: the late answer brings no session back (rule 7)', async () => {
    const { world, browser, pages } = await openLoggedIn(2, { seconds: 4 })
    const [first, second] = pages as [Page, Page]
    await expiry(world)
    world.provider.refreshDelay = 1500
    const late = orderIn([second], 2)
    await until('the provider is at it', () => world.provider.refreshesUnderWay > 0)
    await logOutAt(first, world)
    for (const { status } of await late) expect([200, 401]).toContain(status)
    await second.getByText('logged out', { exact: true }).waitFor()
    expect(world.provider.refreshesUnderWay, 'the refresh is over').toBe(0)
    expect(await browser.cookies([world.url, `${world.url}/auth/refresh`])).toEqual([])
    expect((await orderIn(pages, 1)).map(({ status }) => status)).toEqual([401, 401])
    for (const page of pages) expect(await page.evaluate(() => localStorage.length)).toBe(0)
  })

  test('an expired session leaves its data in place, and the same user comes back to it (rule 10)', async () => {
    const { world, pages } = await openLoggedIn(2, { seconds: 4 })
    const [first, second] = pages as [Page, Page]
    await second.locator('#draft').fill('unsaved')
    await world.provider.endGrants()
    await expiry(world)
    expect((await orderIn([second], 1))[0]?.status).toBe(401)
    await first.getByText('logged out', { exact: true }).waitFor()
    for (const page of [first, second]) {
      expect(await page.locator('#orders').textContent()).toBe('orders of alice')
      expect((await diaryOf(page)).filter((line) => line.startsWith('reset'))).toEqual([])
    }
    // The provider still knows the user: the same one comes back without a form.
    await first.evaluate(() => window.shop.session.login())
    await expectShown(first)
    await expectShown(second)
    expect(await second.locator('#draft').inputValue()).toBe('unsaved')
    expect((await diaryOf(second)).filter((line) => line.startsWith('reset'))).toEqual([])
  })
})

/** Fails unless a reset came before anything of the next user, and nothing of the first could be seen after it. */
async function expectForgotten(page: Page, reason = 'remote'): Promise<void> {
  const diary = await until('a frame shows the next user', async () => {
    const diary = await diaryOf(page)
    return diary.some((line) => line.includes(`orders of ${nextUser.name}`)) && diary
  })
  const reset = diary.indexOf(`reset ${reason}`)
  expect(reset, diary.join('\n')).toBeGreaterThan(0)
  const [before, after] = [diary.slice(0, reset).join('\n'), diary.slice(reset).join('\n')]
  expect(before).toContain(`orders of ${user.name}`)
  expect(before).not.toContain(nextUser.name)
  expect(before).not.toContain(nextUser.fullName)
  expect(after).not.toContain(`orders of ${user.name}`)
}
