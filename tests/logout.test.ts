import type { Session } from '@cloakroom/client'
import { expect, test } from 'vitest'
import { nextUser } from './support/accounts.ts'
import { fillLoginForm, launch } from './support/browser.ts'
import {
  call,
  expectApiAnswers,
  expectLoggedIn,
  expectLoggedOut,
  fetchIn,
  logIn,
  openWorld,
  rawRequest,
  sameOriginHeaders,
  sessionCookieValue,
} from './support/world.ts'

test('logout ends the session here, at the provider and in the browser (R17, R40, R47, R48)', async () => {
  const world = await openWorld()
  const { browser, page } = await logIn(world)
  await expectApiAnswers(page)
  const refreshTokens = [...world.provider.issuedTokens].filter((token) => !token.includes('.'))
  await page.evaluate(() => localStorage.setItem('draft', 'of a user who has left'))

  const headers = sameOriginHeaders(await sessionCookieValue(browser))
  const replay = (path: string) => rawRequest(world.url + path, { headers })
  expect((await replay('/api/orders')).status, 'the cookie opens the session before').toBe(200)

  await page.locator('#logout').click()
  await page.waitForURL(/\/session\/end/)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL(`${world.url}/`)
  await expectLoggedOut(page)
  expect(await browser.cookies(world.url)).toEqual([])
  expect(await page.evaluate(() => localStorage.length)).toBe(0)
  expect([...world.provider.revoked]).toEqual(expect.arrayContaining(refreshTokens))

  const call = await fetchIn(page, '/api/orders')
  expect(call).toMatchObject({ status: 401, session: 'login-required' })
  expect(JSON.parse(call.body)).toMatchObject({
    type: 'urn:cloakroom:problem:login-required',
    status: 401,
    reason: 'login-required',
  })
  await page.reload()
  await expectLoggedOut(page)

  const replayed = await replay('/api/orders')
  expect(replayed.status, 'the old cookie opens nothing').toBe(401)
  expect(replayed.headers['cloakroom-session']).toBe('login-required')
  expect(JSON.parse((await replay('/auth/session')).body)).toEqual({ loggedIn: false })

  await page.locator('#login').click()
  await page.waitForURL(/\/interaction\//)
  await page.locator('input[name=password]').waitFor() // the provider asks again
})

test("a tab that goes to the login while another one stands at the provider's logout is asked who is there (R47)", async () => {
  const world = await openWorld()
  const { browser, page } = await logIn(world)
  const other = await browser.newPage()
  await other.goto(world.url)
  await expectLoggedIn(other)
  await page.locator('#logout').click()
  await page.waitForURL(/\/session\/end/) // the provider still knows the user
  await other.locator('#login').click()
  await other.waitForURL(/\/interaction\//)
  await other.locator('input[name=password]').waitFor()
  expect(world.provider.granted('authorization_code'), 'logins').toBe(1)
})

test("a logout everywhere ends the user's sessions in other browsers too, and nobody else's (R33)", async () => {
  const world = await openWorld()
  const [laptop, phone] = [await logIn(world), await logIn(world)]
  const other = await launch()
  const stranger = await other.newPage()
  await stranger.goto(world.url)
  await stranger.locator('#login').click()
  await fillLoginForm(stranger, nextUser)
  await stranger.getByText(`logged in as ${nextUser.fullName}`).waitFor()

  await laptop.page.evaluate(() => {
    const session = Reflect.get(window, 'session') as Session
    return void session.logout({ everywhere: true })
  })
  await laptop.page.waitForURL(/\/session\/end/)
  const cookies = (await laptop.browser.cookies(world.url)).map(({ name }) => name)
  expect(cookies, 'what is left knows the way back from the provider').toEqual(['__Host-session-logout'])

  // The other browser learns it by its next call.
  expect((await call(phone.page)).status).toBe(401)
  await expectLoggedOut(phone.page)
  expect(world.api.arrivals).toEqual([])
  expect((await call(stranger)).status).toBe(200)
})

test('logout works here while the provider is down (R48)', async () => {
  const world = await openWorld()
  const { browser, page } = await logIn(world)
  await world.provider.stop()
  const answer = await fetchIn(page, '/auth/logout', { method: 'POST' })
  expect(answer.status).toBe(200)
  expect(await browser.cookies(world.url)).toEqual([])
  await page.goto(world.url)
  await expectLoggedOut(page)
})

test('a GET of the logout address ends nothing (R40)', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  const tab = await page.context().newPage()
  await tab.goto(`${world.url}/auth/logout`)
  await page.reload()
  await expectLoggedIn(page)
})

test("the API's own 401 is not taken for the session's", async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  const answer = await fetchIn(page, '/api/forbidden')
  expect(answer).toMatchObject({ status: 401, session: null, body: '{"error":"second factor"}' })
  await expectApiAnswers(page)
})
