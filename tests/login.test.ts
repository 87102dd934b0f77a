import { expect, test } from 'vitest'
import { fillLoginForm, inEachEngine, launch } from './support/browser.ts'
import { ResponseRecord, searchPage } from './support/leaks.ts'
import { temporaryFolder, until } from './support/servers.ts'
import {
  expectApiAnswers,
  expectLoggedIn,
  expectLoggedOut,
  fetchIn,
  logIn,
  openWorld,
  rawRequest,
  sameOriginHeaders,
  sessionCookie,
  sessionCookieValue,
} from './support/world.ts'

const day = 24 * 60 * 60

inEachEngine((engine) => {
  test('a login lasts through reload, new tab and browser restart, and no script can find a token (R19, R24, R72)', async () => {
    const world = await openWorld()
    const profile = await temporaryFolder()
    const first = await launch({ engine, profile })
    const record = new ResponseRecord(first, world.url)
    const page = await first.newPage()
    await page.goto(world.url)
    await expectLoggedOut(page)
    await page.locator('#login').click()
    await fillLoginForm(page)
    await expectLoggedIn(page)
    await expectApiAnswers(page)

    await page.reload()
    await expectLoggedIn(page)
    await expectApiAnswers(page)

    const tab = await first.newPage()
    await tab.goto(world.url)
    await expectLoggedIn(tab)
    await expectApiAnswers(tab)

    const inside = await fetchIn(page, '/auth/session')
    expect(JSON.parse(inside.body)).toMatchObject({ loggedIn: true, claims: { sub: 'alice', name: 'Alice Liddell' } })

    const secrets = [...world.provider.issuedTokens, ...world.provider.issuedCodes, await sessionCookieValue(first)]
    expect(secrets.length, 'three tokens, a code, a cookie').toBe(5)
    for (const each of [page, tab]) {
      const search = await searchPage(each, secrets)
      expect(search.leaks).toEqual([])
      expect(search.texts).toBeGreaterThan(100)
    }
    const answers = await record.search(secrets)
    expect(answers.leaks).toEqual([])
    expect(answers.texts).toBeGreaterThan(20)
    for (const secret of secrets) expect(world.gateway.log.includes(secret), 'a secret in the log').toBe(false)
    await first.close()

    const second = await launch({ engine, profile })
    const later = await second.newPage()
    await later.goto(world.url)
    await expectLoggedIn(later)
    await expectApiAnswers(later)
    expect(world.provider.granted('authorization_code')).toBe(1)
  })
})

test('the browser keeps the session cookie as __Host-, HttpOnly, Secure, Lax and not beyond 400 days (R19, R24)', async () => {
  const world = await openWorld()
  const { browser, page } = await logIn(world)
  const cookies = await browser.cookies(world.url)
  expect(cookies).toEqual([expect.objectContaining({
    name: sessionCookie,
    domain: 'localhost',
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
  })])
  const remaining = (cookies[0]?.expires ?? 0) - Date.now() / 1000
  expect(remaining).toBeGreaterThan(60)
  expect(remaining).toBeLessThanOrEqual(400 * day)
  expect(await page.evaluate(() => document.cookie)).toBe('')
})

test('a login creates a new session id and ends the old one (R31)', async () => {
  const world = await openWorld()
  const { browser, page } = await logIn(world)
  const before = await sessionCookieValue(browser)
  await page.locator('#login').click() // the provider still knows the user: no form
  await page.waitForURL(`${world.url}/`)
  await until('a new cookie', async () => (await sessionCookieValue(browser)) !== before)
  await expectLoggedIn(page)
  await expectApiAnswers(page)
  const replayed = await rawRequest(`${world.url}/auth/session`, { headers: sameOriginHeaders(before) })
  expect(JSON.parse(replayed.body)).toEqual({ loggedIn: false })
})

test('path, query and fragment come back after the login (R46)', async () => {
  const world = await openWorld()
  const deep = '/orders/7?tab=lines&q=a%20b%26c#line-3/é'
  const { page } = await logIn(world, deep)
  expect(page.url()).toBe(new URL(deep, world.url).href)
})

test.for([
  'https://evil.example/',
  '//evil.example/',
  '/\\evil.example/',
  '/\t/evil.example/',
  '\t//evil.example',
  'javascript:alert(1)',
  'http://localhost@evil.example/',
  '/a\r\nSet-Cookie: a=b',
])('a login that is to return to %j ends on our own site (R46)', async (target) => {
  const world = await openWorld()
  const browser = await launch()
  const page = await browser.newPage()
  await page.goto(`${world.url}/auth/login?return_to=${encodeURIComponent(target)}`)
  await fillLoginForm(page)
  await expectLoggedIn(page)
  expect(new URL(page.url()).origin).toBe(world.url)
  expect((await browser.cookies(world.url)).map(({ name }) => name)).toEqual([sessionCookie])
})

test('three tabs that log in at once all succeed (R4)', async () => {
  const world = await openWorld()
  const browser = await launch()
  const tabs = await Promise.all([1, 2, 3].map(async (number) => {
    const page = await browser.newPage()
    await page.goto(`${world.url}/tab/${number}`)
    await page.locator('#login').click()
    await page.waitForURL(/\/interaction\//)
    return { number, page }
  }))
  for (const { number, page } of tabs) {
    await fillLoginForm(page)
    await expectLoggedIn(page)
    expect(page.url()).toBe(`${world.url}/tab/${number}`)
  }
  for (const { page } of tabs) await expectApiAnswers(page)
  expect(world.provider.granted('authorization_code')).toBe(3)
  expect((await browser.cookies(world.url)).map(({ name }) => name), 'no login cookie stays').toEqual([sessionCookie])
})

test('abandoned logins leave a bounded number of cookies, and the last one still succeeds (R21)', async () => {
  const world = await openWorld()
  const browser = await launch()
  const page = await browser.newPage()
  for (let attempt = 0; attempt < 30; attempt += 1) {
    await page.goto(`${world.url}/auth/login?return_to=/attempt/${attempt}`)
  }
  const logins = (await browser.cookies(world.url)).filter(({ name }) => name.startsWith(`${sessionCookie}-login-`))
  expect(logins.length).toBeGreaterThan(0)
  expect(logins.length).toBeLessThanOrEqual(8)
  for (const cookie of logins) {
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' })
    expect(cookie.expires - Date.now() / 1000).toBeLessThanOrEqual(600)
  }
  await fillLoginForm(page)
  await expectLoggedIn(page)
  expect(page.url()).toBe(`${world.url}/attempt/29`)
})

test('with SameSite=Strict an interactive login works, deep link and all (R22, F2)', async () => {
  const world = await openWorld({ sameSite: 'strict' })
  const deep = '/orders/7?tab=lines#line-3'
  const { browser, page } = await logIn(world, deep)
  expect(page.url()).toBe(world.url + deep)
  expect(await browser.cookies(world.url)).toEqual([
    expect.objectContaining({ name: sessionCookie, sameSite: 'Strict' }),
  ])
  await expectApiAnswers(page)
  await page.reload()
  await expectLoggedIn(page)
  const secrets = [...world.provider.issuedTokens, ...world.provider.issuedCodes, await sessionCookieValue(browser)]
  expect((await searchPage(page, secrets)).leaks).toEqual([])
})

test.for(['lax', 'strict'] as const)('a navigation to a protected address leads through the login and back, SameSite=%s (R22, F2)', async (sameSite) => {
  const world = await openWorld({ sameSite })
  const browser = await launch()
  const page = await browser.newPage()
  await page.goto(`${world.url}/api/orders?page=2`)
  await fillLoginForm(page)
  await page.waitForURL(`${world.url}/api/orders?page=2`)
  await page.getByText('"subject":"alice"').waitFor()
  expect(world.provider.granted('authorization_code')).toBe(1)
})

test('a provider that is down at the start stops logins alone, and they work as soon as it is up', async () => {
  const world = await openWorld({ providerDown: true })
  const browser = await launch()
  const page = await browser.newPage()
  await page.goto(world.url)
  await expectLoggedOut(page)
  const start = `${world.url}/auth/login?return_to=/`
  const refused = await page.goto(start)
  expect(refused?.status()).toBe(503)
  expect(Number(await refused?.headerValue('retry-after'))).toBeGreaterThan(0)

  await world.provider.start()
  await until('logins work', async () => (await page.goto(start))?.status() === 200, 30_000)
  await fillLoginForm(page)
  await expectLoggedIn(page)
  await expectApiAnswers(page)
})
