// Back to a page that the browser has kept: it shows nothing of a user who has left, not for a frame (rule 9).
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { nextUser, user } from './support/accounts.ts'
import { inEachEngine, launch } from './support/browser.ts'
import { Film } from './support/film.ts'
import { modes } from './support/kinds.ts'
import { until } from './support/servers.ts'
import { expectShown, logInAt, logOutAt, mode, nextUserUnheard, openShop, openTabs, orderIn, type ShopWorld } from './support/shop.ts'

const jwt = mode('jwt')
const fromCache = 'back from the cache'

inEachEngine((engine) => {
  /** A user's page, and what its diary says over all its documents. */
  async function openPage(mode = jwt, seconds = 600): Promise<{ world: ShopWorld, browser: BrowserContext, page: Page, diary: string[] }> {
    const world = await openShop(mode)
    const browser = await launch({ engine, backForwardCache: true })
    const [page] = await openTabs(browser, world, 1) as [Page]
    const diary: string[] = []
    page.on('console', (message) => {
      const [, line] = /^diary (.+)$/.exec(message.text()) ?? []
      if (line) diary.push(line)
    })
    await logInAt(page, world, seconds)
    return { world, browser, page, diary }
  }

  test.for(modes)('the same user in mode $name: the page is kept, with what was typed', async (mode) => {
    const { world, page, diary } = await openPage(mode)
    await page.locator('#draft').fill('unsaved')
    const loads = world.front.count('/')
    await leaveAndReturn(page)
    await until('the way back', () => diary.includes(fromCache))
    await until('the page is shown', () => diary.at(-1)?.includes(`orders of ${user.name}`))
    expect(await page.locator('#draft').inputValue()).toBe('unsaved')
    expect(world.front.count('/'), 'not loaded again').toBe(loads)
  })

  test('another user, unheard: the kept page comes back, shows nothing, and loads anew', async () => {
    const { world, browser, page, diary } = await openPage()
    const changeUser = await nextUserUnheard(world, browser, engine)
    await returnBeforeTheAnswer(page, world, diary, changeUser)
    await expectShown(page, nextUser)
    expect(diary).toContain(fromCache)
    expectNothingOf(user.name, diary)
  })

  test('nobody there, unheard: the kept page comes back, shows nothing, and loads anew', async () => {
    const { world, browser, page, diary } = await openPage()
    await returnBeforeTheAnswer(page, world, diary, () => browser.clearCookies())
    await page.getByText('logged out', { exact: true }).waitFor()
    expect(diary).toContain(fromCache)
    expectNothingOf(user.name, diary)
  })

  test('a gateway that does not answer: the kept page shows nothing, and loads anew', async () => {
    const { world, page, diary } = await openPage()
    await leaveAndReturn(page, () => world.gateway.stop())
    await until('the way back', () => diary.includes(fromCache))
    await until('a new load', () => page.evaluate(() => !('shop' in window)).catch(() => false))
    expectNothingOf(user.name, diary)
  })

  test('the user logs out in another tab, another one logs in: the way back shows nothing of the first', async () => {
    const { world, browser, page, diary } = await openPage()
    await leaveAndReturn(page, () => changeUserInAnotherTab(browser, world, page))
    await expectShown(page, nextUser)
    expectNothingOf(user.name, diary)
  })

  test('what an expired session has left on the page is not shown to the next user either', async () => {
    const { world, browser, page, diary } = await openPage(jwt, 8)
    const { lastExpiry } = world.provider
    await world.provider.endGrants()
    const changeUser = await nextUserUnheard(world, browser, engine)
    await until('the access token expires', () => Date.now() > lastExpiry + 200)
    expect((await orderIn([page], 1))[0]?.status).toBe(401)
    await until('the data is still there', () => diary.at(-1) === `sight: logged out, orders of ${user.name}`)
    await returnBeforeTheAnswer(page, world, diary, changeUser)
    await expectShown(page, nextUser)
    expect(diary).toContain(fromCache)
    expectNothingOf(user.name, diary)
  })

  // Only Chromium hands out what it composes. Where nobody told the kept page, it shows its last picture once more
  // before any script runs; a page that was told is not kept.
  test.runIf(engine === 'chromium')('after a logout and a login in another tab no picture of the way back has anything of the user before', async () => {
    const { world, browser, page } = await openPage()
    const film = await Film.of(page)
    await until('a picture of the first user', async () => (await film.users()).includes(user.name))
    let cut = 0
    await leaveAndReturn(page, async () => {
      await until('a picture of elsewhere', async () => (await film.users()).at(-1) === '')
      await changeUserInAnotherTab(browser, world, page)
      cut = film.length
    })
    await expectShown(page, nextUser)
    await until('a picture of the next user', async () => (await film.users()).at(-1) === nextUser.name)
    expect((await film.users()).slice(cut)).not.toContain(user.name)
  })

  /** Leaves the page by a link of its own, does `meanwhile`, and goes back in the history. */
  async function leaveAndReturn(page: Page, meanwhile?: () => Promise<unknown>): Promise<void> {
    await page.evaluate(() => console.debug('diary left'))
    await page.evaluate(() => location.assign('/elsewhere.html'))
    await page.getByText('elsewhere').waitFor()
    await meanwhile?.()
    await page.evaluate(() => history.back())
  }

  /** The same; the gateway says who is there only when a frame has been painted. */
  async function returnBeforeTheAnswer(page: Page, world: ShopWorld, diary: string[], meanwhile: () => Promise<unknown>): Promise<void> {
    let asked: ReturnType<typeof world.front.keepNext> | undefined
    await leaveAndReturn(page, async () => {
      await meanwhile()
      asked = world.front.keepNext('/auth/session')
    })
    const answer = await asked!
    await until('a frame', () => diary.slice(diary.lastIndexOf(fromCache) + 1).some((line) => line.startsWith('sight')))
    answer.release()
  }
})

/** The first user logs out and the next one in, in a tab of their own; then `page` is in front again. */
async function changeUserInAnotherTab(browser: BrowserContext, world: ShopWorld, page: Page): Promise<void> {
  const [other] = await openTabs(browser, world, 1) as [Page]
  await expectShown(other)
  await logOutAt(other, world)
  await logInAt(other, world, 600, nextUser)
  await page.bringToFront()
}

/** Fails if a frame has shown anything of this user since the page was left. */
function expectNothingOf(name: string, diary: string[]): void {
  const since = diary.slice(diary.lastIndexOf('left') + 1)
  expect(since.length).toBeGreaterThan(0)
  expect(since.filter((line) => line.startsWith('sight') && line.includes(`orders of ${name}`))).toEqual([])
}
