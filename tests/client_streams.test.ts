// Streams can be sent but once, and by Chromium alone, over HTTP/2 (rule 6).
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { launch } from './support/browser.ts'
import { certificatesFor } from './support/certificates.ts'
import { fetchInSession, heard, listen, openPage } from './support/client.ts'
import { jwt, server, type SessionMode } from './support/kinds.ts'
import { until } from './support/servers.ts'
import { expectLoggedIn, expiry, logIn, openWorld, type World, type WorldOptions } from './support/world.ts'

/** What comes of `session.fetch` with a stream of three parts. */
function sendStream(page: Page, path: string): Promise<string> {
  return page.evaluate(async (path) => {
    const parts = ['tea ', 'and ', 'tarts']
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        const part = parts.shift()
        if (part === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(part))
      },
    })
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' }
    return window.session.fetch(path, init).then(
      ({ status, headers }) => [status, headers.get('cloakroom-session')].filter(Boolean).join(' '),
      (error: Error & { reason?: string }) => [error.name, error.reason].filter(Boolean).join(' '),
    )
  }, path)
}

/** A world over https, which gives HTTP/2, in Chromium. */
async function openSecurePage(options: WorldOptions, mode: SessionMode): Promise<{ world: World, page: Page }> {
  const { certificate, key, home } = await certificatesFor('shop.test')
  const listening = `tls = { certificate = "${certificate}", key = "${key}" }`
  const world = await openWorld({ ...options, url: () => 'https://shop.test', listen: listening }, mode)
  const browser = await launch({ home, flags: [`--host-resolver-rules=MAP shop.test:443 127.0.0.1:${world.port}`] })
  await browser.addInitScript(listen, {})
  const { page } = await logIn(world, '/', browser)
  return { world, page }
}

test('in Chromium over HTTP/2 a stream waits for a fresh token, then goes out whole and once (rule 6)', async () => {
  const { world, page } = await openSecurePage({ accessTokenLifetime: 3 }, jwt)
  world.provider.accessTokenLifetime = 600
  await expiry(world)
  await heard(page)
  expect(await sendStream(page, '/api/stream')).toBe('200')
  expect(world.api.arrivals.map(({ path, body }) => [path, body])).toEqual([['/api/stream', 'tea and tarts']])
  expect((await heard(page)).requests).toEqual(['POST /auth/refresh', 'POST /api/stream'])
  expect(world.provider.refreshes).toBe(1)

  expect(await sendStream(page, '/api/stream'), 'with a token that lasts').toBe('200')
  expect((await heard(page)).requests).toEqual(['POST /api/stream'])
})

test('a stream is not sent again, whatever the answer (rule 6)', async () => {
  const { world, page } = await openSecurePage({}, server)
  const loggedInBy = Date.now()
  await until('the token is not new', () => Date.now() > loggedInBy + 10_500, 12_000)
  await heard(page)
  expect(await sendStream(page, '/api/refused/stream')).toBe('401 expired')
  expect(world.api.arrivalsAt('/api/refused/stream')).toHaveLength(1)
  expect((await heard(page)).requests.filter((request) => request.startsWith('POST /api/'))).toHaveLength(1)
  expect(await fetchInSession(page, '/api/orders')).toBe('200')
  await expectLoggedIn(page)
})

test('Chromium itself refuses a stream over HTTP/1.1: the request fails and nothing else happens', async () => {
  const world = await openWorld()
  const { page } = await openPage('chromium', world)
  expect(await sendStream(page, '/api/stream')).toBe('TypeError')
  expect(world.api.arrivals).toEqual([])
  await expectLoggedIn(page)
})

test('in Firefox a stream is an error with a reason, where fetch would send its name (rule 6)', async () => {
  const world = await openWorld()
  const { page } = await openPage('firefox', world)
  const plain = await page.evaluate(async () => {
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body: new ReadableStream(), duplex: 'half' }
    return (await fetch('/api/plain', init)).status
  })
  expect([plain, world.api.arrivalsAt('/api/plain').map(({ body }) => body)]).toEqual([200, ['[object ReadableStream]']])
  expect(await sendStream(page, '/api/stream')).toBe('SessionError stream')
  expect(world.api.arrivalsAt('/api/stream')).toEqual([])
  await expectLoggedIn(page)
})
