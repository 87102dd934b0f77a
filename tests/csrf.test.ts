// The CSRF token as real clients use it (R41): axios with its built-in convention, which is Angular's too, and
// with other names; and a page that takes it from the session's description.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { dependency } from './support/programs.ts'
import { until } from './support/servers.ts'
import { expectLoggedIn, expectLoggedOut, expiry, fetchIn, logIn, openWorld, sessionCookieValue } from './support/world.ts'

const axios = dependency('axios', 'dist/axios.min.js')

/** What a page's script does with axios. */
interface Axios {
  post: (path: string, data: unknown, config?: object) => Promise<{ status: number }>
  get: (path: string) => Promise<{ status: number }>
}

/** Posts with axios from within the page; gives the status. */
async function post(page: Page, path = '/api/orders', config: object = {}): Promise<number> {
  if (!(await page.evaluate(() => 'axios' in window))) await page.addScriptTag({ path: axios })
  return page.evaluate(async ([path, config]) => {
    const axios = Reflect.get(window, 'axios') as Axios
    return (await axios.post(path, { amount: 1 }, { ...config, validateStatus: () => true })).status
  }, [path, config] as const)
}

async function expectRefused(page: Page, init: RequestInit = {}): Promise<void> {
  const answer = await fetchIn(page, '/api/orders', { method: 'POST', ...init })
  expect(answer.status, answer.body).toBe(403)
  expect(JSON.parse(answer.body)).toMatchObject({ reason: 'csrf-token' })
}

/** The names that axios and Angular have built in. */
const builtIn = 'csrf_token = { header = "X-XSRF-TOKEN", cookie = "XSRF-TOKEN" }'

test('axios as it is sends the token; a request without it is refused before the API', async () => {
  const world = await openWorld({ guard: builtIn })
  const { browser, page } = await logIn(world)
  await expectRefused(page)
  expect(world.api.arrivals).toEqual([])
  expect(await post(page)).toBe(200)
  expect(world.api.arrivals[0]?.headers['x-xsrf-token'], 'the token is not for the API').toBeUndefined()
  expect((await fetchIn(page, '/api/orders')).status, 'a safe method needs none').toBe(200)
  const cookie = (await browser.cookies(world.url)).find(({ name }) => name === 'XSRF-TOKEN')
  expect(cookie).toMatchObject({ httpOnly: false, secure: true, path: '/', domain: 'localhost' })

  // It is for the session's other tabs too, and stays theirs.
  const tab = await browser.newPage()
  await tab.goto(world.url)
  await expectLoggedIn(tab)
  expect(await post(tab)).toBe(200)
  expect(await post(page)).toBe(200)

  await expectRefused(page, { headers: { 'x-xsrf-token': 'made-up' } })
  const logout = await fetchIn(page, '/auth/logout', { method: 'POST' })
  expect(logout.status, 'logout without the token').toBe(403)
  expect(await post(page, '/auth/logout')).toBe(200)
  expect(await browser.cookies(world.url), 'the token goes with the session').toEqual([])
  await tab.reload()
  await expectLoggedOut(tab)
})

test('the token outlives a refresh and not its session', async () => {
  const accessTokenLifetime = 4
  const world = await openWorld({ guard: builtIn, accessTokenLifetime })
  const { browser, page } = await logIn(world)
  const token = async () => (await browser.cookies(world.url)).find(({ name }) => name === 'XSRF-TOKEN')?.value ?? ''
  const first = await token()
  await expiry(world)
  expect(await post(page)).toBe(200)
  expect(world.provider.refreshes).toBe(1)
  expect((await fetchIn(page, '/api/orders', { method: 'POST', headers: { 'x-xsrf-token': first } })).status).toBe(200)

  const session = await sessionCookieValue(browser)
  await page.locator('#login').click() // the provider still knows the user: no form
  await until('a new session', async () => (await sessionCookieValue(browser)) !== session)
  await expectLoggedIn(page)
  await expectRefused(page, { headers: { 'x-xsrf-token': first } })
  expect(await post(page)).toBe(200)
})

test('a script that plants a token of its own gains nothing (R41)', async () => {
  const world = await openWorld({ guard: builtIn })
  const { page } = await logIn(world)
  const stranger = await logIn(world)
  const [foreign] = (await stranger.browser.cookies(world.url)).filter(({ name }) => name === 'XSRF-TOKEN')
  for (const planted of ['made-up', foreign?.value ?? '']) {
    await page.evaluate((value) => { document.cookie = `XSRF-TOKEN=${value}; path=/; secure` }, planted)
    expect(await post(page), 'cookie and header agree, the session does not').toBe(403)
  }
})

test('with other names, and from the session without a cookie', async () => {
  const world = await openWorld({ guard: 'csrf_token = { header = "X-CSRF-Token" }' })
  const { browser, page } = await logIn(world)
  expect((await browser.cookies(world.url)).length, 'the session cookie alone').toBe(1)
  await expectRefused(page)
  const session = JSON.parse((await fetchIn(page, '/auth/session')).body) as { csrfToken: string }
  const headers = { 'x-csrf-token': session.csrfToken }
  expect((await fetchIn(page, '/api/orders', { method: 'POST', headers })).status).toBe(200)

  const other = await openWorld({ guard: 'csrf_token = { header = "X-CSRFToken", cookie = "csrftoken" }' })
  const second = await logIn(other)
  expect(await post(second.page), "axios's own names are not these").toBe(403)
  const names = { xsrfCookieName: 'csrftoken', xsrfHeaderName: 'X-CSRFToken' }
  expect(await post(second.page, '/api/orders', names)).toBe(200)
})
