// What every source of tokens and every session mode has to show: one suite, and each combination runs the
// whole of it.
import type { BrowserContext, Cookie, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { launch } from './browser.ts'
import { foreignPage, reasons, send, submitForm, subresources } from './foreign.ts'
import { kindsOf, type Kind } from './kinds.ts'
import { ResponseRecord, searchPage } from './leaks.ts'
import { temporaryFolder, until } from './servers.ts'
import type { TokenSource } from './source.ts'
import {
  call,
  expectLoggedIn,
  expectLoggedOut,
  expiry,
  logIn,
  openWorldOf,
  rawRequest,
  sameOriginHeadersWith,
  type World,
} from './world.ts'

/** Lifetimes of access tokens in seconds, short enough to wait for. */
const short = { accessTokenLifetime: 3 }
/** Long enough that a refreshed token outlives what is done with it. */
const enough = { accessTokenLifetime: 5 }

/** Runs everything for one source of tokens, in every session mode. */
export function suite(source: string): void {
  describe.for(kindsOf(source))('$source × $mode.name', (kind) => {
    test('a login lasts through reload, new tab and browser restart, and no script can find a token', async () => {
      const world = await openWorldOf(kind)
      const profile = await temporaryFolder()
      const first = await launch({ profile })
      const record = new ResponseRecord(first, world.url)
      const page = await first.newPage()
      await page.goto(world.url)
      await expectLoggedOut(page)
      expect(await call(page)).toMatchObject({ status: 401, session: 'login-required' })
      await world.provider.logIn(page)
      await expectLoggedIn(page)
      await expectCallsAnswered(page)
      await expectCookies(first, world, kind)

      await page.reload()
      await expectLoggedIn(page)
      await expectCallsAnswered(page)
      const tab = await first.newPage()
      await tab.goto(world.url)
      await expectLoggedIn(tab)
      await expectCallsAnswered(tab)

      const secrets = [...await secretsOf(first, world)]
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

      const second = await launch({ profile })
      const later = await second.newPage()
      await later.goto(world.url)
      await expectLoggedIn(later)
      await expectCallsAnswered(later)
      expect(world.provider.logins).toBe(1)
    })

    test('the API gets the bearer and of our cookies only what this mode promises (R35)', async () => {
      const world = await openWorldOf(kind)
      const { page } = await logIn(world)
      await page.evaluate(() => { document.cookie = 'theme=dark' })
      await expectCallsAnswered(page)
      const headers = world.api.arrivals.at(-1)?.headers ?? {}
      expect(headers.authorization).toMatch(/^Bearer eyJ/)
      const token = headers.authorization?.replace('Bearer ', '')
      const ours = kind.mode.upstreamCookies.map((name) => `${name}=${token}`)
      expect((headers.cookie ?? '').split('; ').sort()).toEqual([...ours, 'theme=dark'].sort())
    })

    test('three tabs with an expired access token: one refresh, and the next one after kill -9 of the gateway (R15)', async () => {
      const world = await openWorldOf(kind, enough)
      const { browser, page } = await logIn(world)
      const tabs = [page, await browser.newPage(), await browser.newPage()]
      for (const tab of tabs) await tab.goto(world.url)
      await expiry(world)
      world.provider.refreshDelay = 300
      const statuses = await Promise.all(tabs.map((tab) => statusesOfTenCalls(tab)))
      expect(statuses.flat()).toEqual(Array.from({ length: 30 }, () => 200))
      expect(world.provider.refreshes).toBe(1)
      await expectCookies(browser, world, kind)

      await world.gateway.kill()
      await world.gateway.start()
      await page.reload()
      await expectLoggedIn(page)
      await expiry(world)
      await expectCallsAnswered(page)
      expect(world.provider.refreshes).toBe(2)
      expect(world.provider.refusedRefreshes).toBe(0)
      expect(world.provider.logins).toBe(1)
      const secrets = await secretsOf(browser, world)
      expect((await searchPage(page, secrets)).leaks).toEqual([])
    })

    test('a source of tokens that is down ends no session (R15)', async () => {
      const world = await openWorldOf(kind, short)
      const { page } = await logIn(world)
      await expectCallsAnswered(page)
      await expiry(world)
      await world.provider.stop()
      // Where the page itself has tokens refreshed, it is told by a rejection.
      const outcome = await call(page).then(({ status }) => String(status), String)
      expect(outcome).toMatch(kind.mode.name === 'jwt' ? /SessionError.*503/ : /^503$/)
      await expectLoggedIn(page)
      await world.provider.start()
      await until('the session goes on', () => call(page).then(({ status }) => status === 200, () => false))
      expect(world.provider.logins).toBe(1)
    })

    test('a session whose refresh token is dead ends, and a new login works (R15)', async () => {
      const world = await openWorldOf(kind, short)
      const { page } = await logIn(world)
      await world.provider.endGrants()
      await expiry(world)
      expect((await call(page)).status).toBe(401)
      await expectLoggedOut(page)
      await page.reload()
      await expectLoggedOut(page)
      await world.provider.logInAgain(page)
      await expectLoggedIn(page)
      await expectCallsAnswered(page)
    })

    test('logout ends the session here, at the source and in the browser (R17, R48)', async () => {
      const world = await openWorldOf(kind)
      const { browser, page } = await logIn(world)
      await expectCallsAnswered(page)
      const headers = sameOriginHeadersWith(await browser.cookies(world.url))
      const replay = () => rawRequest(`${world.url}/api/orders`, { headers })
      expect((await replay()).status, 'the cookies open the session before').toBe(200)

      await world.provider.logOut(page)
      await expectLoggedOut(page)
      expect(await cookiesOf(browser, world)).toEqual([])
      expect(await page.evaluate(() => localStorage.length)).toBe(0)
      await until('the source knows', () => world.provider.knowsOfLogout())
      expect(await call(page)).toMatchObject({ status: 401, session: 'login-required' })
      expect((await replay()).status, 'cookies that somebody kept').toBe(401)
    })

    test('an answer that comes after the logout brings no session back (R48)', async () => {
      const world = await openWorldOf(kind, short)
      const { browser, page } = await logIn(world)
      await expiry(world)
      world.provider.refreshDelay = 1500
      const late = page.evaluate(() => (Reflect.get(window, 'call') as typeof fetch)('/api/late').then(() => '', () => ''))
      await until('the refresh is under way', () => world.provider.refreshesUnderWay > 0)
      await page.evaluate(() => fetch('/auth/logout', { method: 'POST' }))
      await late
      expect(world.provider.refreshesUnderWay, 'the late answer has come').toBe(0)
      expect(await cookiesOf(browser, world)).toEqual([])
      expect(await call(page)).toMatchObject({ status: 401, session: 'login-required' })
      await until('the source knows', () => world.provider.knowsOfLogout())
    })

    test('a new login ends the one before it (R31)', async () => {
      const world = await openWorldOf(kind)
      const { browser, page } = await logIn(world)
      const before = await browser.cookies(world.url)
      await world.provider.logInAgain(page)
      await until('new cookies', async () => {
        const values = new Set((await browser.cookies(world.url)).map(({ value }) => value))
        return values.size > 0 && before.every(({ value }) => !values.has(value))
      })
      await expectLoggedIn(page)
      await expectCallsAnswered(page)
      const replayed = await rawRequest(`${world.url}/api/orders`, { headers: sameOriginHeadersWith(before) })
      expect(replayed.status).toBe(401)
    })

    test('requests from another site and from a sibling on the same site are refused before the API (R36, R38, R43)', async () => {
      const world = await openWorldOf(kind)
      const { browser, page: own } = await logIn(world)
      const before = await cookiesOf(browser, world)
      for (const host of ['127.0.0.1', 'localhost']) {
        const page = await foreignPage(world.url, own, host)
        for (const subresource of subresources) {
          const url = `${world.url}/api/${host}/${subresource.replaceAll(' ', '-')}`
          expect(await page.evaluate(send, { kind: subresource, url }), subresource).toBe('refused')
          const { pathname } = new URL(url)
          const line = await until(`a log line of ${pathname}`, () =>
            world.gateway.log.split('\n').find((line) => line.includes(pathname)))
          expect(line).toContain(reasons[subresource])
        }
        for (const path of ['/api/form', '/auth/logout', '/auth/refresh', ...world.provider.loginRequests]) {
          const again = await foreignPage(world.url, own, host)
          const problem = JSON.parse(await submitForm(again, world.url + path))
          expect(problem, path).toMatchObject({ status: 403, reason: 'cross-site' })
        }
      }
      expect(world.api.arrivals, 'what the API saw').toEqual([])
      expect(await cookiesOf(browser, world)).toEqual(before)
      await own.reload()
      await expectLoggedIn(own)
      expect(world.provider.logins).toBe(1)
    })
  })
}

/** Calls the API from within the page and fails unless it answers to the logged-in user. */
async function expectCallsAnswered(page: Page): Promise<void> {
  const answer = await call(page)
  expect(answer.status, answer.body).toBe(200)
  expect(JSON.parse(answer.body)).toMatchObject({ subject: 'alice', method: 'POST', body: '{"amount":1}' })
}

function statusesOfTenCalls(page: Page): Promise<number[]> {
  return page.evaluate(() => {
    const call = Reflect.get(window, 'call') as typeof fetch
    const one = async (_: unknown, number: number) => (await call(`/api/orders/${number}`)).status
    return Promise.all(Array.from({ length: 10 }, one))
  })
}

/** All cookies of the gateway, wherever they go. */
function cookiesOf(browser: BrowserContext, world: World<TokenSource>): Promise<Cookie[]> {
  return browser.cookies([world.url, `${world.url}/auth/refresh`])
}

/** Fails unless the browser holds the cookies of this mode and no others, all out of scripts' reach (R19, R23). */
async function expectCookies(browser: BrowserContext, world: World<TokenSource>, { mode }: Kind): Promise<void> {
  const cookies = await cookiesOf(browser, world)
  for (const { name, path, value } of mode.cookies) {
    const found = cookies.find((cookie) => name.test(cookie.name))
    expect(found, String(name)).toMatchObject({ path, value: expect.stringMatching(value) })
  }
  for (const cookie of cookies) {
    expect(mode.cookies.some(({ name }) => name.test(cookie.name)), `the cookie ${cookie.name}`).toBe(true)
    expect(cookie).toMatchObject({ domain: 'localhost', httpOnly: true, secure: true, sameSite: 'Lax' })
    expect(cookie.name.length + cookie.value.length).toBeLessThanOrEqual(4096)
  }
}

/** All that no script may see. */
async function secretsOf(browser: BrowserContext, world: World<TokenSource>): Promise<string[]> {
  const cookies = await cookiesOf(browser, world)
  const secrets = [...world.provider.issuedTokens, ...world.provider.issuedCodes, ...cookies.map(({ value }) => value)]
  expect(secrets.length, 'two tokens and a cookie at least').toBeGreaterThanOrEqual(3)
  return secrets
}
