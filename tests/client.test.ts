// What `session.fetch` does with a 401, by the gateway's mark and by nothing else; in mode `jwt`, where every expired
// token gives a marked 401.
import { expect, test } from 'vitest'
import { inEachEngine } from './support/browser.ts'
import { fetchInSession, heard, openPage } from './support/client.ts'
import { jwt } from './support/kinds.ts'
import { expectLoggedIn, expectLoggedOut, expiry, openWorld } from './support/world.ts'

/** Seconds. */
const accessTokenLifetime = 3

inEachEngine((engine) => {
  test('a marked 401: refreshed once, then every request again, whatever its method (rules 2, 3, 5)', async () => {
    const world = await openWorld({ accessTokenLifetime }, jwt)
    const { page } = await openPage(engine, world)
    world.provider.accessTokenLifetime = 600
    await expiry(world)
    await heard(page)
    const requests: [string, RequestInit][] = [
      ['/api/read', {}],
      ['/api/head', { method: 'HEAD' }],
      ['/api/write', { method: 'POST', body: 'tea' }],
      ['/api/change', { method: 'PATCH', body: 'tarts' }],
      ['/api/remove', { method: 'DELETE' }],
      ['/api/kept', { method: 'POST', keepalive: true, body: 'kept alive' }],
      ['/api/moved?to=/api/there', { method: 'PUT', body: 'moved' }],
    ]
    const answers = await Promise.all(requests.map(([path, init]) => fetchInSession(page, path, init)))
    expect(answers).toEqual(requests.map(() => '200'))
    expect(world.api.arrivals.map(({ method, path, body }) => `${method} ${path} ${body}`.trim()).sort()).toEqual([
      'DELETE /api/remove',
      'GET /api/read',
      'HEAD /api/head',
      'PATCH /api/change tarts',
      'POST /api/kept kept alive',
      'POST /api/write tea',
      'PUT /api/moved?to=/api/there moved',
      'PUT /api/there moved',
    ])
    const log = await heard(page)
    const twice = requests.flatMap(([path, { method = 'GET' }]) => Array.from({ length: 2 }, () => `${method} ${path.split('?')[0]}`))
    expect(log.requests.sort()).toEqual([...twice, 'POST /auth/refresh'].sort())
    expect(log).toMatchObject({ changes: ['refresh'], resets: [] })
    expect(world.provider.refreshes).toBe(1)
  })

  test("the API's own 401 is its answer: no refresh, no repetition, nobody is logged out (rule 2)", async () => {
    const world = await openWorld({ accessTokenLifetime }, jwt)
    const { page } = await openPage(engine, world)
    world.provider.accessTokenLifetime = 600
    for (const [path, refreshes] of [['/api/forbidden', 1], ['/api/step-up', 0]] as const) {
      if (refreshes) await expiry(world) // also behind a token that has just been refreshed
      await heard(page)
      expect(await fetchInSession(page, path, { method: 'POST', body: 'tea' }), path).toBe('401')
      expect(world.api.arrivalsAt(path), path).toHaveLength(1)
      const { requests, resets } = await heard(page)
      expect(requests.filter((request) => request === 'POST /auth/refresh'), path).toHaveLength(refreshes)
      expect(requests.filter((request) => request === `POST ${path}`), path).toHaveLength(1 + refreshes)
      expect(resets).toEqual([])
    }
    await expectLoggedIn(page)
  })

  test('a second marked 401 is refreshed once more, a third is the answer; the session goes on (rule 5)', async () => {
    const world = await openWorld({ accessTokenLifetime }, jwt)
    const { page } = await openPage(engine, world)
    world.provider.accessTokenLifetime = 1
    world.provider.refreshDelay = 1500 // each token has expired when it arrives
    await expiry(world)
    await heard(page)
    expect(await fetchInSession(page, '/api/orders')).toBe('401 expired')
    expect(world.api.arrivals).toEqual([])
    const log = await heard(page)
    expect(log.requests.slice(0, 5)).toEqual([
      'GET /api/orders',
      'POST /auth/refresh',
      'GET /api/orders',
      'POST /auth/refresh',
      'GET /api/orders',
    ])
    expect(log.requests.slice(5), 'what becomes of the state').toEqual(['GET /auth/session', 'POST /auth/refresh', 'GET /auth/session'])
    expect(log.changes).not.toContain('expired')
    expect(log.resets).toEqual([])

    world.provider.refreshDelay = 0
    world.provider.accessTokenLifetime = 600
    expect(await fetchInSession(page, '/api/orders')).toBe('200')
    await expectLoggedIn(page)
    expect(world.provider.refusedRefreshes).toBe(0)
  })

  test('login-required: the page hears that the session expired and keeps its work, without a refresh (rules 2, 10)', async () => {
    const world = await openWorld()
    const { browser, page } = await openPage(engine, world)
    await heard(page)
    await page.evaluate(() => Reflect.set(window, 'draft', 'unsaved'))
    await browser.clearCookies({ domain: 'localhost' })
    const answers = await Promise.all(['/api/one', '/api/two'].map((path) => fetchInSession(page, path)))
    expect(answers).toEqual(['401 login-required', '401 login-required'])
    await expectLoggedOut(page)
    const log = await heard(page)
    expect(log).toMatchObject({ changes: ['expired'], resets: [] })
    expect(log.requests).not.toContain('POST /auth/refresh')
    expect(await page.evaluate(() => [Reflect.get(window, 'draft'), localStorage.length, location.pathname])).toEqual(['unsaved', 0, '/'])
  })

  test("onExpired: 'redirect' leads through the login and back to the same place (rule 10)", async () => {
    const world = await openWorld()
    const { browser, page } = await openPage(engine, world, { onExpired: 'redirect' })
    const place = `${world.url}/orders/7?tab=lines&q=a%20b#line-3`
    await page.goto(place)
    await expectLoggedIn(page)
    await browser.clearCookies({ domain: 'localhost' })
    const back = page.waitForURL(place)
    await fetchInSession(page, '/api/orders').catch(() => 'the page has gone')
    await back // the provider still knows the user: no form
    await expectLoggedIn(page)
    expect(page.url()).toBe(place)
    expect(world.provider.logins).toBe(2)
  })
})
