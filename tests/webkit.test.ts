// The client in a third engine, over https.
import { By, until as untilPage, type WebDriver } from 'selenium-webdriver'
import { expect, test } from 'vitest'
import { user } from './support/accounts.ts'
import { certificatesFor } from './support/certificates.ts'
import { jwt, server } from './support/kinds.ts'
import { until } from './support/servers.ts'
import { launchWebkit } from './support/webkit.ts'
import { expiry, openWorld, sessionCookie } from './support/world.ts'

const patience = 15_000

async function expectState(browser: WebDriver, state: string): Promise<void> {
  await until(`"${state}"`, async () => {
    const [element] = await browser.findElements(By.id('state'))
    return (await element?.getText().catch(() => '')) === state
  }, patience)
}

/** Calls the API with `session.fetch`; gives the status. */
function call(browser: WebDriver, path: string, body: string): Promise<unknown> {
  return browser.executeAsyncScript((path: string, body: string, done: (outcome: unknown) => void) => {
    window.session.fetch(path, { method: 'POST', body: new Blob([body]) }).then(({ status }) => done(status), (error) => done(String(error)))
  }, path, body)
}

/** All that lies in the page's storage. */
function storage(browser: WebDriver): Promise<unknown> {
  return browser.executeScript(() => [...Object.entries(localStorage), ...Object.entries(sessionStorage)])
}

test.for([server, jwt])('WebKitGTK over https, mode $name: login, call, refresh, logout', async (mode) => {
  const { certificate, key } = await certificatesFor('localhost')
  const world = await openWorld({
    accessTokenLifetime: 4,
    url: (port) => `https://localhost:${port}`,
    listen: `tls = { certificate = "${certificate}", key = "${key}" }`,
  }, mode)
  const browser = await launchWebkit()
  const place = `${world.url}/orders/7?tab=lines#line-3`
  await browser.get(place)
  await expectState(browser, 'logged out')
  expect(await storage(browser)).toEqual([])

  await browser.findElement(By.id('login')).click()
  const name = await browser.wait(untilPage.elementLocated(By.name('login')), patience)
  await name.sendKeys(user.name)
  await browser.findElement(By.name('password')).sendKeys(user.password)
  await browser.findElement(By.css('button')).click()
  await expectState(browser, `logged in as ${user.fullName}`)
  expect(await browser.getCurrentUrl()).toBe(place)
  expect(await storage(browser)).toEqual([['cloakroom', '1']])
  expect(await browser.executeScript(() => document.cookie)).toBe('')
  const cookies = await browser.manage().getCookies()
  const [expected] = mode.cookies
  expect(cookies.find(({ name }) => expected?.name.test(name))).toMatchObject({ httpOnly: true, secure: true })

  world.provider.accessTokenLifetime = 600
  expect(await call(browser, '/api/one', 'tea')).toBe(200)
  await expiry(world)
  expect(await call(browser, '/api/two', 'tarts')).toBe(200)
  expect(world.api.arrivals.map(({ path, body }) => [path, body])).toEqual([['/api/one', 'tea'], ['/api/two', 'tarts']])
  expect(world.provider.refreshes).toBe(1)
  await expectState(browser, `logged in as ${user.fullName}`)

  await browser.findElement(By.id('logout')).click()
  const confirm = await browser.wait(untilPage.elementLocated(By.name('logout')), patience)
  await confirm.click()
  await expectState(browser, 'logged out')
  expect(await storage(browser)).toEqual([])
  expect((await browser.manage().getCookies()).map(({ name }) => name)).not.toContain(sessionCookie)
  expect(await call(browser, '/api/three', 'late')).toBe(401)
  expect(world.provider.logins).toBe(1)
})
