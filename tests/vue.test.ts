// @cloakroom/vue in real browsers: a production build of an application with router, pinia, Vuex and TanStack Query.
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { Parts } from './apps/vue/main.ts'
import { nextUser } from './support/accounts.ts'
import { fillLoginForm, inEachEngine, launch, type Engine } from './support/browser.ts'
import { buildPage } from './support/page.ts'
import { repository } from './support/programs.ts'
import { until } from './support/servers.ts'
import { allowInStorage } from './support/storage.ts'
import { openWorld, type World } from './support/world.ts'

declare const parts: Parts

async function open(engine: Engine): Promise<{ world: World, browser: BrowserContext }> {
  allowInStorage('vue-router:scroll') // vue-router's own, in sessionStorage
  const site = await buildPage(join(repository, 'tests', 'apps', 'vue'))
  return { world: await openWorld({ site }), browser: await launch({ engine }) }
}

/** Opens an address for users only, is led to the provider and comes back. */
async function enter(browser: BrowserContext, address: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(address)
  await fillLoginForm(page)
  await page.getByText('logged in as Alice Liddell').waitFor()
  return page
}

const shown = (page: Page): Promise<string> => page.locator('#app').innerText()

inEachEngine((engine) => {
  test('the guard leads to the login and back to the deep link, with the router\'s base and in its hash (R46)', async () => {
    const { world, browser } = await open(engine)
    const deep = `${world.url}/orders/7?all=1#last`
    const page = await enter(browser, deep)
    expect(page.url()).toBe(deep)

    const hash = `${world.url}/hash/#/orders/7?all=1`
    await browser.clearCookies()
    const other = await enter(browser, hash)
    expect(other.url()).toBe(hash)
  })

  test('rule 9: a logout in one tab empties the stores in the other before the next user\'s name is shown', async () => {
    const { world, browser } = await open(engine)
    const page = await enter(browser, `${world.url}/orders/7`)
    const other = await browser.newPage()
    await other.goto(`${world.url}/orders/8`)
    await other.evaluate(() => {
      parts.fill('Alice')
      const texts: string[] = []
      const app = document.querySelector('#app')!
      new MutationObserver(() => texts.push(app.textContent)).observe(app, { subtree: true, childList: true, characterData: true })
      Object.assign(window, { texts })
    })
    await other.getByText('cart of Alice, notes of Alice, wishes of Alice, orders of alice').waitFor()

    await world.provider.logOut(page)
    await other.getByText('logged out').waitFor()
    expect(await other.locator('#held').innerText()).toBe('')

    await page.goto(`${world.url}/orders/7`)
    await fillLoginForm(page, nextUser)
    await other.getByText('logged in as Bob Baker').waitFor()
    await other.getByText('orders of bob').waitFor()
    expect(await other.locator('#held').innerText()).toBe('orders of bob')

    const texts = await other.evaluate(() => (window as unknown as { texts: string[] }).texts)
    expect(texts.some((text) => text.includes('Bob'))).toBe(true)
    expect(texts.filter((text) => /Bob|logged out/.test(text) && /alice/i.test(text))).toEqual([])
  })

  test('a store that cannot be reset costs a reload of the page, and nothing of its user is left', async () => {
    const { world, browser } = await open(engine)
    const page = await enter(browser, `${world.url}/orders/7`)
    const other = await browser.newPage()
    await other.goto(`${world.url}/orders/8`)
    await other.getByText('logged in as Alice Liddell').waitFor()
    await other.evaluate(async () => {
      await parts.router.push('/')
      Object.assign(window, { marked: parts.stubborn() })
    })
    await world.provider.logOut(page)
    // While it reloads, nobody answers.
    const anew = () => other.evaluate(() => !('marked' in window)).catch(() => false)
    await until('the other tab reloads', anew)
    await other.getByText('welcome').waitFor()
    expect(await other.evaluate(() => parts.session.likelyLoggedIn)).toBe(false)
  })

  test('rule 10: unsaved work survives the session\'s end; the next navigation goes to the login and on', async () => {
    const { world, browser } = await open(engine)
    const page = await enter(browser, `${world.url}/orders/7`)
    await page.evaluate(() => parts.fill('Alice'))
    await browser.clearCookies({ name: '__Host-session' })
    expect(await page.evaluate(async () => (await parts.session.fetch('/api/orders')).status)).toBe(401)
    await page.getByText('logged out').waitFor()
    expect(await shown(page)).toContain('cart of Alice, notes of Alice, wishes of Alice')
    expect(page.url()).toBe(`${world.url}/orders/7`)

    await page.evaluate(() => void parts.router.push('/orders/8?all=1'))
    // The provider still knows the user: no form.
    await page.waitForURL(`${world.url}/orders/8?all=1`)
    await page.getByText('logged in as Alice Liddell').waitFor()
  })

  test('rule 11: with a dead network the guard shows the trouble, and asks once for each try', async () => {
    const { world, browser } = await open(engine)
    const page = await browser.newPage()
    await page.addInitScript(() => {
      const asked: string[] = []
      const real = window.fetch
      window.fetch = (...args) => {
        asked.push(new Request(...args).url)
        return real(...args)
      }
      Object.assign(window, { asked })
    })
    const asked = (): Promise<string[]> => page.evaluate(() => (window as unknown as { asked: string[] }).asked)
    await page.goto(`${world.url}/`)
    await page.getByText('welcome').waitFor()
    expect(await asked(), 'a public page asks nobody').toEqual([])

    await world.gateway.stop()
    await page.evaluate(() => void parts.router.push('/orders/7'))
    await page.getByText('nobody can tell who is logged in').waitFor()
    expect(page.url()).toBe(`${world.url}/trouble`)
    expect(await asked()).toEqual([`${world.url}/auth/session`])

    await page.getByRole('button', { name: 'Try again' }).click()
    await until('it asks again', async () => (await asked()).length > 1)
    await page.getByText('nobody can tell who is logged in').waitFor()
    expect(await asked()).toEqual([`${world.url}/auth/session`, `${world.url}/auth/session`])
    expect(page.url()).toBe(`${world.url}/trouble`)

    await world.gateway.start()
    await page.evaluate(() => void parts.router.push('/orders/7'))
    await fillLoginForm(page)
    await page.getByText('logged in as Alice Liddell').waitFor()
    expect(page.url()).toBe(`${world.url}/orders/7`)
  })
})
