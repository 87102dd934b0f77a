// From a token in localStorage and an interceptor to Cloakroom, as docs/migration.md tells it: the front end of
// examples/migration before and after, the same users' journey, and the steps between.
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { user } from './support/accounts.ts'
import { fillLoginForm, launch } from './support/browser.ts'
import { Gateway } from './support/gateway.ts'
import { ResponseRecord, searchPage } from './support/leaks.ts'
import { buildPageForOidc, example, servePage, startOrders, startService } from './support/migration.ts'
import { buildPage } from './support/page.ts'
import { TestProvider } from './support/provider.ts'
import { freePort, temporaryFolder, until } from './support/servers.ts'
import type { TokenSource } from './support/source.ts'
import { allowInStorage } from './support/storage.ts'
import { fetchIn, sessionCookie } from './support/world.ts'

const placeholder = 'kept-by-cloakroom'
/** What the old front end keeps in localStorage, and the router's scroll positions. */
const oldKeys = ['token', 'refreshToken', 'user']
const routerKey = 'vue-router:scroll'
/** Seconds. */
const lifetime = 4

/** What the application's users do, the same before and after: a deep link, a typing mistake, a login, an order. */
async function logIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/orders?from=mail`)
  await page.getByLabel('Name').fill(user.name)
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByText('Wrong name or password').waitFor()
  await page.getByLabel('Password').fill(user.password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(`${url}/orders?from=mail`)
  await page.getByText('Logged in as Alice Liddell').waitFor()
  await page.getByRole('listitem').getByText('tea').waitFor()
}

async function order(page: Page, item: string): Promise<void> {
  await page.getByLabel('Item').fill(item)
  await page.getByRole('button', { name: 'Order' }).click()
  await page.getByRole('listitem').getByText(item).waitFor()
}

/** Asks for the orders again, until they are there. */
async function reload(page: Page): Promise<void> {
  const answered = page.waitForResponse((answer) => answer.url().endsWith('/api/orders') && answer.ok())
  await page.getByRole('button', { name: 'Reload' }).click()
  await answered
}

/** Opens the orders in another tab, where nobody has to log in again. */
async function openTab(browser: BrowserContext, url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(`${url}/orders`)
  await page.getByRole('listitem').getByText('tea').waitFor()
  return page
}

async function logOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click()
  await expectLogin(page)
}

async function expectLogin(page: Page): Promise<void> {
  await page.getByLabel('Password').waitFor()
  expect(await page.getByRole('listitem').count(), 'orders on the page').toBe(0)
}

async function expiry(source: TokenSource): Promise<void> {
  await until('the access token expires', () => Date.now() > source.lastExpiry + 1000)
}

/** What the browser holds back under the page's Content Security Policy. */
function violationsOf(page: Page): string[] {
  const violations: string[] = []
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) violations.push(message.text())
  })
  return violations
}

/** All that the page has put into storage; the router's scroll positions are its own. */
async function storage(page: Page): Promise<Record<string, string>> {
  const all = await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))
  delete all[routerKey]
  return all
}

/** Starts the gateway with a configuration of the example and this front end. Gives its URL. */
async function startGateway(file: string, site: string, service: number, orders: number): Promise<string> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const configuration = (await readFile(join(example, file), 'utf8'))
    .replaceAll('http://localhost:8080', url)
    .replaceAll('http://127.0.0.1:3000', `http://127.0.0.1:${service}`)
    .replaceAll('http://127.0.0.1:3001', `http://127.0.0.1:${orders}`)
    .replace(/dir = ".*"/, `dir = ${JSON.stringify(site)}`)
  await Gateway.startWith(`${configuration}\n[listen]\naddress = "127.0.0.1:${port}"\n`)
  return url
}

test('before: a logout reaches one tab; the others go on with the token in their memory', async () => {
  const { service, port } = await startService(600)
  const url = await servePage(await buildPage(join(example, 'before')), port, await startOrders(service))
  const browser = await launch()
  const page = await browser.newPage()
  await logIn(page, url)
  const tab = await openTab(browser, url)
  await logOut(page)
  await reload(tab)
  await tab.getByText('Logged in as Alice Liddell').waitFor()
})

test('before: the tokens lie in localStorage, and two tabs that refresh at once end the login', async () => {
  const { service, port } = await startService(lifetime)
  const url = await servePage(await buildPage(join(example, 'before')), port, await startOrders(service))
  const browser = await launch()
  const page = await browser.newPage()
  await logIn(page, url)
  await order(page, 'tarts')

  const { leaks } = await searchPage(page, service.issuedTokens)
  expect(leaks.map(({ place }) => place)).toEqual(expect.arrayContaining([
    'localStorage[token]',
    'localStorage[refreshToken]',
  ]))

  await expiry(service)
  await order(page, 'jam')
  expect(service.refreshes).toBe(1)

  const tab = await openTab(browser, url)
  await expiry(service)
  service.refreshDelay = 1000
  await Promise.all([page, tab].map((each) => each.getByRole('button', { name: 'Reload' }).click()))
  await Promise.any([page, tab].map(expectLogin))
  expect(service.refusedRefreshes).toBe(1)
})

test('the gateway goes first: the old front end works behind it unchanged, and who is logged in stays so', async () => {
  allowInStorage(routerKey, ...oldKeys)
  const { service, port } = await startService(lifetime)
  const orders = await startOrders(service)
  const site = await buildPage(join(example, 'before'))
  const url = await startGateway('cloakroom.toml', site, port, orders)
  const browser = await launch()
  const page = await browser.newPage()

  // As it was the day before: tokens in localStorage, from a login without the gateway.
  const direct = await fetch(`http://127.0.0.1:${port}/account/login`, {
    method: 'POST',
    body: JSON.stringify({ name: user.name, password: user.password }),
  })
  const { data } = await direct.json() as { data: { token: string, refreshToken: string, user: object } }
  await page.goto(`${url}/login`)
  await page.evaluate(({ token, refreshToken, user }) => {
    Object.assign(localStorage, { token, refreshToken, user: JSON.stringify(user) })
  }, data)

  await page.goto(`${url}/orders`)
  await page.getByRole('listitem').getByText('tea').waitFor()
  expect(service.logins, 'nobody had to log in').toBe(1)
  expect(await storage(page)).toMatchObject({ token: placeholder, refreshToken: placeholder })
  await expiry(service)
  await order(page, 'tarts')

  const record = new ResponseRecord(browser, url)
  await logOut(page)
  await until('the service knows', () => service.knowsOfLogout())
  expect(await browser.cookies(url)).toEqual([])
  await logIn(page, url)
  await expiry(service)
  await order(page, 'jam')
  const secrets = [...service.issuedTokens, ...(await browser.cookies(url)).map(({ value }) => value)]
  expect((await searchPage(page, secrets)).leaks).toEqual([])
  expect((await record.search(secrets)).leaks).toEqual([])
})

test('after: the same journey, and nothing to find; a logout reaches all tabs', async () => {
  allowInStorage(routerKey)
  const { service, port } = await startService(lifetime)
  const orders = await startOrders(service)
  const url = await startGateway('cloakroom.after.toml', await buildPage(join(example, 'after')), port, orders)
  const browser = await launch()
  const record = new ResponseRecord(browser, url)
  const page = await browser.newPage()
  const violations = violationsOf(page)
  await logIn(page, url)
  await order(page, 'tarts')

  await expiry(service)
  await order(page, 'jam')
  const tab = await openTab(browser, url)
  await expiry(service)
  service.refreshDelay = 1000
  await Promise.all([page, tab].map(reload))
  service.refreshDelay = 0
  await order(tab, 'ink')
  expect(service.refusedRefreshes).toBe(0)
  expect(service.logins).toBe(1)

  // What an injected script could try: the old way to tokens answers without any.
  expect((await fetchIn(page, '/account/refresh', { method: 'POST', body: '{}' })).status).toBe(200)
  const secrets = [...service.issuedTokens, ...(await browser.cookies(url)).map(({ value }) => value)]
  expect(secrets.length).toBeGreaterThanOrEqual(3)
  expect((await searchPage(page, secrets)).leaks).toEqual([])
  expect((await record.search(secrets)).leaks).toEqual([])
  expect(await storage(page)).toEqual({ cloakroom: '1' })

  await logOut(page)
  await expectLogin(tab)
  expect(await browser.cookies(url)).toEqual([])
  expect(await storage(page)).toEqual({})
  await until('the service knows', () => service.knowsOfLogout())

  await logIn(page, url)
  await service.endGrants()
  await expiry(service)
  await page.getByRole('button', { name: 'Reload' }).click()
  await page.waitForURL(`${url}/login?returnTo=/orders?from=mail`)
  expect(violations, 'the journey under the policy').toEqual([])
  await page.evaluate(() => fetch('http://127.0.0.1:1/').catch(() => undefined))
  await until('the policy holds back', () => violations.length > 0)
})

test('from step to step in one browser: the session goes on, old keys go, and the way back costs one login', async () => {
  allowInStorage(routerKey, ...oldKeys)
  const { service, port } = await startService(600)
  const [before, after] = await Promise.all(['before', 'after'].map((name) => buildPage(join(example, name))))
  const site = await temporaryFolder()
  const deploy = (built = ''): Promise<void> => cp(built, site, { recursive: true })
  await deploy(before)
  const url = await startGateway('cloakroom.toml', site, port, await startOrders(service))
  const browser = await launch()
  const old = await browser.newPage()
  await logIn(old, url)
  expect(await storage(old)).toMatchObject({ token: placeholder, refreshToken: placeholder })

  await deploy(after)
  const page = await openTab(browser, url)
  await order(page, 'tarts')
  expect(await storage(page)).toEqual({ cloakroom: '1' })
  // The tab that was open before goes on with the old front end.
  await order(old, 'jam')
  expect(service.logins).toBe(1)

  await deploy(before)
  await page.reload()
  await expectLogin(page)
  await logIn(page, url)
  await order(page, 'ink')
  expect(service.logins).toBe(2)
})

test('after, with an OpenID provider: the same journey without a login form', async () => {
  allowInStorage(routerKey)
  const port = await freePort()
  const url = `http://localhost:${port}`
  const options = { port: await freePort(), publicUrl: url, also: [], accessTokenLifetime: lifetime }
  const provider = new TestProvider(options)
  await provider.start()
  await Gateway.startWith(`
[public]
url = "${url}"

[listen]
address = "127.0.0.1:${port}"
${provider.provider}
[[route]]
path = "/api"
upstream = "http://127.0.0.1:${await startOrders(provider)}"

[site]
dir = ${JSON.stringify(await buildPageForOidc())}
`, provider.environment)
  const browser = await launch()
  const record = new ResponseRecord(browser, url)
  const page = await browser.newPage()
  const violations = violationsOf(page)
  await page.goto(`${url}/orders?from=mail`)
  await fillLoginForm(page)
  await page.waitForURL(`${url}/orders?from=mail`)
  await page.getByText('Logged in as Alice Liddell').waitFor()
  await order(page, 'tarts')
  const tab = await openTab(browser, url)
  await expiry(provider)
  await Promise.all([page, tab].map(reload))
  await order(tab, 'jam')
  expect(provider).toMatchObject({ logins: 1, refreshes: 1, refusedRefreshes: 0 })

  const secrets = [...provider.issuedTokens, ...(await browser.cookies(url)).map(({ value }) => value)]
  expect((await searchPage(page, secrets)).leaks).toEqual([])
  expect((await record.search(secrets)).leaks).toEqual([])
  expect(await storage(page)).toEqual({ cloakroom: '1' })

  // A session that has expired leads to the provider, which still knows the user, and back.
  await provider.endGrants()
  await expiry(provider)
  await page.getByRole('button', { name: 'Reload' }).click()
  await until('a new login', () => provider.logins === 2)
  await page.waitForURL(`${url}/orders?from=mail`)
  await order(page, 'quills')

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(/\/session\/end/)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(/\/interaction\//) // back on the page, whose guard leads to the login
  await until('no orders in the other tab', async () => await tab.getByRole('listitem').count() === 0)
  expect((await browser.cookies(url)).map(({ name }) => name)).not.toContain(sessionCookie)
  expect(violations, 'the journey under the policy').toEqual([])
})
