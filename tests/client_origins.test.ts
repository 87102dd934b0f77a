// What goes along with a request, and where to: the cookie, the CSRF token and the required header to the page's own
// origin, nothing of them anywhere else (rule 1).
import type { IncomingHttpHeaders } from 'node:http'
import { expect, test } from 'vitest'
import { inEachEngine } from './support/browser.ts'
import { fetchInSession, heard, openPage } from './support/client.ts'
import { jwt, server } from './support/kinds.ts'
import { serve, until } from './support/servers.ts'
import { expectLoggedIn, expectLoggedOut, expiry, openWorld } from './support/world.ts'

const guard = 'csrf_token = { header = "X-CSRF-Token" }\nrequired_header = "X-Shop"'
const options = { csrfHeader: 'X-CSRF-Token', requiredHeader: 'X-Shop' }

/** A server of somebody else's that lets every page call it, says what it likes of the session, and takes note. */
async function openStranger(mark: string): Promise<{ port: number, received: IncomingHttpHeaders[] }> {
  const received: IncomingHttpHeaders[] = []
  const { port } = await serve((request, response) => {
    received.push(request.headers)
    response.writeHead(request.method === 'OPTIONS' ? 204 : 401, {
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'x-csrf-token, x-shop, content-type',
      'access-control-allow-methods': 'PUT',
      'access-control-expose-headers': 'cloakroom-session',
      'cloakroom-session': mark,
    })
    response.end()
  })
  return { port, received }
}

inEachEngine((engine) => {
  test.for([server, jwt])('with CSRF token and required header, mode $name: requests, refresh and logout bring both (R37, R41)', async (mode) => {
    const world = await openWorld({ accessTokenLifetime: 3, guard }, mode)
    const { browser, page } = await openPage(engine, world, options)
    world.provider.accessTokenLifetime = 600
    expect(await page.evaluate(() => fetch('/api/plain', { method: 'POST' }).then(({ status }) => status)), 'the guard stands').toBe(403)
    await expiry(world)
    expect(await fetchInSession(page, '/api/write', { method: 'POST', body: 'tea' })).toBe('200')
    expect(await fetchInSession(page, '/api/read')).toBe('200')
    expect(world.provider.refreshes).toBe(1)
    expect(await page.evaluate(() => window.session.ensureFresh(Infinity))).toBe(true)
    await world.provider.logOut(page)
    await expectLoggedOut(page)
    expect(await browser.cookies(world.url)).toEqual([])
  })

  test('the CSRF token of a session that another tab has replaced is replaced, too (R41)', async () => {
    const world = await openWorld({ guard })
    const { browser, page } = await openPage(engine, world, options)
    expect(await fetchInSession(page, '/api/write', { method: 'POST', body: 'tea' })).toBe('200')
    await heard(page)
    const tab = await browser.newPage()
    await tab.goto(world.url)
    await world.provider.logInAgain(tab)
    await until('the page knows', async () => (await heard(page)).changes.includes('switched'))
    expect(await fetchInSession(page, '/api/write', { method: 'POST', body: 'tarts' })).toBe('200')
    await world.provider.logOut(page)
    await expectLoggedOut(page)
    await expectLoggedOut(tab)
  })

  test('another origin gets no cookie and no header of ours, and its word about the session counts for nothing (rule 1)', async () => {
    const world = await openWorld({ guard })
    const { browser, page } = await openPage(engine, world, options)
    await heard(page)
    for (const mark of ['expired', 'login-required', 'started', 'ended']) {
      const stranger = await openStranger(mark)
      for (const host of ['127.0.0.1', 'localhost']) { // another site, and another origin of the same site
        const url = `http://${host}:${stranger.port}/`
        expect(await fetchInSession(page, url, { method: 'PUT', body: 'x' })).toBe(`401 ${mark}`)
        expect(await fetchInSession(page, url)).toBe(`401 ${mark}`)
      }
      expect(stranger.received.filter(({ cookie }) => cookie), 'cookies').toEqual([])
      for (const header of ['x-csrf-token', 'x-shop']) {
        expect(stranger.received.filter((headers) => header in headers), header).toEqual([])
        const asked = stranger.received.map((headers) => headers['access-control-request-headers'] ?? '')
        expect(asked.filter((names) => names.includes(header)), `${header} asked for`).toEqual([])
      }
      expect(stranger.received.length).toBeGreaterThanOrEqual(4)
    }
    const log = await heard(page)
    expect(log).toMatchObject({ changes: [], resets: [] })
    expect(log.requests.filter((request) => request.includes('/auth/'))).toEqual([])
    await expectLoggedIn(page)
    expect((await browser.cookies(world.url)).length).toBe(1)
  })

  test('whom the API redirects a change to gets the CSRF header where it asks for it, as browsers do, and no cookie', async () => {
    const world = await openWorld({ guard })
    const { page } = await openPage(engine, world, options)
    const stranger = await openStranger('expired')
    const url = `/api/moved?to=http://127.0.0.1:${stranger.port}/`
    expect(await fetchInSession(page, url, { method: 'PUT', body: 'tea' })).toBe('401 expired')
    expect(stranger.received.map((headers) => 'x-csrf-token' in headers), 'after a preflight').toEqual([false, true])
    expect(stranger.received.filter(({ cookie }) => cookie)).toEqual([])
    expect(world.api.arrivals, 'its word counts for nothing').toHaveLength(1)
    await expectLoggedIn(page)
  })

  test('a redirect to another origin: its word about the session counts for nothing (rule 1)', async () => {
    const world = await openWorld()
    const { page } = await openPage(engine, world)
    await heard(page)
    const stranger = await openStranger('login-required')
    expect(await fetchInSession(page, `/api/moved?to=http://127.0.0.1:${stranger.port}/`)).toBe('401 login-required')
    expect(stranger.received.map(({ cookie, authorization }) => [cookie, authorization])).toEqual([[undefined, undefined]])
    const log = await heard(page)
    expect(log).toMatchObject({ changes: [], resets: [] })
    expect(log.requests).toEqual(['GET /api/moved'])
    await expectLoggedIn(page)
  })
})
