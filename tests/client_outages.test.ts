// An outage is no logout: the state stays, nothing is reset, nothing goes in circles, and all works again afterwards
// (rule 5). And who gives up a request waits for nobody.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { inEachEngine } from './support/browser.ts'
import { fetchInSession, heard, openPage } from './support/client.ts'
import { jwt } from './support/kinds.ts'
import { until } from './support/servers.ts'
import { expectLoggedIn, expiry, openWorld } from './support/world.ts'

/** Seconds. */
const accessTokenLifetime = 3

/** The reasons for which the session cannot answer, question by question. */
function ask(page: Page): Promise<unknown[]> {
  return page.evaluate(() => {
    const { session } = window
    const questions = [session.check(), session.ensureFresh(Infinity)]
    return Promise.all(questions.map((answer) => answer.then(String, (error: { reason?: string }) => error.reason)))
  })
}

inEachEngine((engine) => {
  test('a provider that is down: requests are rejected, the session stays and goes on (rule 5)', async () => {
    const world = await openWorld({ accessTokenLifetime }, jwt)
    const { page } = await openPage(engine, world, { onExpired: 'redirect' })
    await expiry(world)
    await world.provider.stop()
    await heard(page)
    const outcomes = await Promise.all(['/api/one', '/api/two'].map((path) => fetchInSession(page, path)))
    expect(outcomes).toEqual(['SessionError unreachable', 'SessionError unreachable'])
    expect(await ask(page)).toEqual(['unreachable', 'unreachable'])
    const log = await heard(page)
    expect(log).toMatchObject({ changes: [], resets: [] })
    expect(log.requests.filter((request) => request.startsWith('GET /api/')), 'none was repeated').toHaveLength(2)
    expect(log.requests.length, 'a refresh for each question at most').toBeLessThanOrEqual(7)
    await expectLoggedIn(page)

    await world.provider.start()
    await until('the session goes on', async () => (await fetchInSession(page, '/api/orders')) === '200')
    expect(await heard(page)).toMatchObject({ changes: ['refresh'], resets: [] })
    expect(world.provider.logins).toBe(1)
  })

  test('a dead network: no redirect, no loop, each request is sent once; the session goes on (rules 5, 10, 11)', async () => {
    const world = await openWorld()
    const { page } = await openPage(engine, world, { onExpired: 'redirect' })
    await world.gateway.kill()
    await heard(page)
    expect(await fetchInSession(page, '/api/one')).toBe('TypeError')
    expect(await ask(page)).toEqual(['unreachable', 'unreachable'])
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })))
    expect(await fetchInSession(page, '/api/two', { method: 'POST' })).toBe('TypeError')

    await world.gateway.start()
    expect(await fetchInSession(page, '/api/three')).toBe('200')
    const log = await heard(page)
    expect(log).toMatchObject({ changes: [], resets: [] })
    expect(log.requests.sort()).toEqual([
      'GET /api/one',
      'GET /api/three',
      'GET /auth/session', // check
      'GET /auth/session', // the page was seen again
      'POST /api/two',
      'POST /auth/refresh', // ensureFresh
    ])
    await expectLoggedIn(page)
    expect(page.url()).toBe(`${world.url}/`)
  })

  test('a first question that nobody answers: neither in nor out, no redirect; the next one may be answered (rule 11)', async () => {
    const world = await openWorld()
    const { page } = await openPage(engine, world, { onExpired: 'redirect' })
    await page.route('**/auth/session', (route) => route.abort())
    await page.reload()
    await page.getByText('unknown', { exact: true }).waitFor()
    const ready = () => page.evaluate(() => window.session.ready().then(({ status }) => status, String))
    expect(await ready()).toContain('SessionError')
    const log = await heard(page)
    expect(log).toMatchObject({ changes: [], resets: [] })
    expect(log.requests).toEqual(['GET /auth/session', 'GET /auth/session'])
    expect(page.url()).toBe(`${world.url}/`)

    await page.unroute('**/auth/session')
    expect(await ready()).toBe('in')
    await expectLoggedIn(page)
  })

  test('a request that is given up ends at once, before, during the refresh and during the repetition', async () => {
    const world = await openWorld({ accessTokenLifetime }, jwt)
    const { page } = await openPage(engine, world)
    world.provider.accessTokenLifetime = 600
    await page.evaluate(() => {
      Reflect.set(window, 'start', (path: string) => {
        const controller = new AbortController()
        const answer = window.session.fetch(path, { signal: controller.signal }).then(({ status }) => status, ({ name }: Error) => name)
        Reflect.set(window, 'giveUp', () => {
          controller.abort()
          return answer
        })
      })
    })
    const start = (path: string) => page.evaluate((path) => (Reflect.get(window, 'start') as (path: string) => void)(path), path)
    const giveUp = () => page.evaluate(() => (Reflect.get(window, 'giveUp') as () => Promise<unknown>)())

    await heard(page)
    expect(await page.evaluate(() => window.session.fetch('/api/before', { signal: AbortSignal.abort() })
      .then(({ status }) => status, ({ name }: Error) => name))).toBe('AbortError')

    await expiry(world)
    world.provider.refreshDelay = 1500
    await start('/api/during')
    await until('the refresh is under way', () => world.provider.refreshesUnderWay > 0)
    expect(await giveUp()).toBe('AbortError')
    expect(world.provider.refreshesUnderWay, 'given up before the refresh was over').toBe(1)
    world.provider.refreshDelay = 0
    expect(await fetchInSession(page, '/api/other'), 'the refresh has gone on').toBe('200')
    expect(world.provider.refreshes).toBe(1)

    world.provider.accessTokenLifetime = accessTokenLifetime
    await page.evaluate(() => window.session.ensureFresh(Infinity))
    await start('/api/never')
    await until('it has arrived', () => world.api.arrivalsAt('/api/never').length === 1)
    expect(await giveUp()).toBe('AbortError')

    expect(world.api.arrivals.map(({ path }) => path)).toEqual(['/api/other', '/api/never'])
    expect(await heard(page)).toMatchObject({ resets: [] })
    await expectLoggedIn(page)
    expect(world.provider.refusedRefreshes).toBe(0)
  })
})
