// The shop of `apps/shop` behind the gateway, in as many tabs as a test wants.
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Outcome, Shop } from '../apps/shop/main.ts'
import { nextUser, user, type Account } from './accounts.ts'
import { fillLoginForm, launch, type Engine } from './browser.ts'
import { Front } from './front.ts'
import { modes, type SessionMode } from './kinds.ts'
import { buildPage } from './page.ts'
import { repository } from './programs.ts'
import { TestProvider } from './provider.ts'
import { freePort, until } from './servers.ts'
import { openWorldOf, type World } from './world.ts'

export interface ShopWorld extends World {
  front: Front
}

/** The session modes by their names. */
export function mode(name: SessionMode['name']): SessionMode {
  const found = modes.find((mode) => mode.name === name)
  if (!found) throw new Error(`there is no mode ${name}`)
  return found
}

/** Starts the shop with a provider, the API, the gateway and a front before it; all end with the test. */
export async function openShop(mode: SessionMode): Promise<ShopWorld> {
  const port = await freePort()
  const site = await buildPage(join(repository, 'tests', 'apps', 'shop'))
  let provider: TestProvider | undefined
  const kind = { source: 'oidc', open: (options: ConstructorParameters<typeof TestProvider>[0]) => (provider = new TestProvider(options)), mode }
  const world = await openWorldOf(kind, { url: () => `http://localhost:${port}`, site })
  if (!provider) throw new Error('no provider was made')
  return { ...world, provider, front: await Front.open(port, world.port) }
}

/** Opens the shop in this many tabs. */
export async function openTabs(browser: BrowserContext, { url }: ShopWorld, tabs: number): Promise<Page[]> {
  return Promise.all(Array.from({ length: tabs }, async () => {
    const page = await browser.newPage()
    await page.goto(url)
    return page
  }))
}

/** Logs in, in this tab; its access token lasts for so many seconds, those after it for ten minutes. */
export async function logInAt(page: Page, world: ShopWorld, seconds = 600, account: Account = user): Promise<void> {
  world.provider.accessTokenLifetime = seconds
  await page.evaluate(() => window.shop.session.login())
  await fillLoginForm(page, account)
  await expectShown(page, account)
  world.provider.accessTokenLifetime = 600
}

/** Logs out, in this tab and at the provider, until the shop is back. */
export async function logOutAt(page: Page, world: ShopWorld): Promise<void> {
  await page.evaluate(() => void window.shop.session.logout())
  await page.waitForURL(/\/session\/end/)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(`${world.url}/`)
  await page.getByText('logged out', { exact: true }).waitFor()
}

/** Fails unless this tab shows the data of this user. */
export async function expectShown(page: Page, { name, fullName }: Account = user): Promise<void> {
  await page.getByText(`logged in as ${fullName}`).waitFor()
  await page.getByText(`orders of ${name}`).waitFor()
}

/** So many requests in each of these tabs, all at once. */
export async function orderIn(tabs: Page[], requests: number): Promise<Outcome[]> {
  return (await Promise.all(tabs.map((tab) => tab.evaluate((requests) => window.shop.order(requests), requests)))).flat()
}

/** Fails unless each of these requests was answered well, and arrived once and whole. */
export function expectAnswered(outcomes: Outcome[], world: ShopWorld): void {
  expect(outcomes.filter(({ status }) => status !== 200)).toEqual([])
  for (const { path, body } of outcomes) {
    const arrivals = world.api.arrivals.filter((arrival) => arrival.path === path)
    expect(arrivals, path).toHaveLength(1)
    const { method, body: sent } = arrivals[0]!
    if (method === 'POST') expect(JSON.parse(sent)).toMatchObject({ path })
    expect(JSON.parse(body)).toMatchObject({ subject: user.name, method, path, body: sent })
  }
}

/** Waits until every access token has expired. */
export async function expiry({ provider }: ShopWorld): Promise<void> {
  await until('the access token expires', () => Date.now() > provider.lastExpiry + 200, 20_000)
}

/** What the tab's diary says. */
export function diaryOf(page: Page): Promise<Shop['diary']> {
  return page.evaluate(() => window.shop.diary)
}

/** Logs the next user in elsewhere; gives what puts the cookies of that into this browser, of which no tab hears. */
export async function nextUserUnheard(world: ShopWorld, browser: BrowserContext, engine: Engine): Promise<() => Promise<void>> {
  const elsewhere = await launch({ engine })
  const [page] = await openTabs(elsewhere, world, 1)
  await logInAt(page!, world, 600, nextUser)
  const cookies = await elsewhere.cookies([world.url, `${world.url}/auth/refresh`])
  await elsewhere.close()
  return async () => {
    await browser.clearCookies()
    await browser.addCookies(cookies)
  }
}
