// Bodies of every kind, sent a second time after a refresh: byte for byte what the application handed over (rule 6).
import { expect, test } from 'vitest'
import { sendBodies } from './support/bodies.ts'
import { inEachEngine } from './support/browser.ts'
import { fetchInSession, heard, openPage } from './support/client.ts'
import { jwt } from './support/kinds.ts'
import { until } from './support/servers.ts'
import { expiry, openWorld } from './support/world.ts'

/** The parts of a form as they came: name, file name, type, and the first hundred characters. */
async function partsOf(bytes: Buffer, type: string): Promise<string[][]> {
  const [, boundary = ''] = /^multipart\/form-data; boundary=(\S+)$/.exec(type) ?? []
  const parts = bytes.toString('latin1').split(`--${boundary}`)
  expect(parts.at(0), 'before the first').toBe('')
  expect(parts.at(-1), 'after the last').toBe('--\r\n')
  return parts.slice(1, -1).map((part) => {
    const [, head = '', content = ''] = /^\r\n([^]*?)\r\n\r\n([^]*)\r\n$/.exec(part) ?? []
    const utf8 = Buffer.from(head, 'latin1').toString()
    const [, name = ''] = /; name="([^"]*)"/.exec(utf8) ?? []
    const [, file = ''] = /; filename="([^"]*)"/.exec(utf8) ?? []
    const [, kind = ''] = /content-type: (\S+)/i.exec(utf8) ?? []
    return [name, file, kind, file ? content.slice(0, 100) : Buffer.from(content, 'latin1').toString()]
  })
}

inEachEngine((engine) => {
  test('each kind of body arrives a second time as it arrived the first time (rule 6)', async () => {
    const world = await openWorld()
    const { page } = await openPage(engine, world)
    const loggedInBy = Date.now()
    // In mode `server` the API itself says that a token is expired, if the token is not one of the last ten seconds:
    // so that both times are seen there.
    await until('the token is not new', () => Date.now() > loggedInBy + 10_500, 12_000)
    world.provider.refreshDelay = 3000 // browsers have six connections: each request is to meet the old token
    const sent = await page.evaluate(sendBodies, '/api/refused')
    expect(Object.keys(sent).length).toBe(21)
    for (const [name, expected] of Object.entries(sent)) {
      expect(expected.status, name).toBe(200)
      const arrivals = world.api.arrivalsAt(`/api/refused/${name}`)
      expect(arrivals, name).toHaveLength(2)
      const [first, second] = arrivals
      if (!first || !second) continue
      expect(second.bytes.equals(first.bytes), `${name}: the same bytes twice`).toBe(true)
      const type = second.headers['content-type'] ?? ''
      expect(type, `${name}: the same type twice`).toBe(first.headers['content-type'] ?? '')
      if (expected.bytes) {
        expect(second.bytes.equals(Uint8Array.from(expected.bytes)), `${name}: what was handed over`).toBe(true)
        expect(type, name).toBe(expected.type ?? '')
      } else {
        expect(await partsOf(second.bytes, type), name).toEqual(expected.parts)
      }
    }
    expect(world.provider.refreshes).toBe(1)
    expect((await heard(page)).requests.filter((request) => request === 'POST /auth/refresh')).toHaveLength(1)
  })

  test('a large body that the gateway refuses before it has read it all is sent again (rule 6)', async () => {
    const world = await openWorld({ accessTokenLifetime: 3 }, jwt)
    const { page } = await openPage(engine, world)
    world.provider.accessTokenLifetime = 600
    await expiry(world)
    const megabytes = 12
    const sum = await page.evaluate(async (megabytes) => {
      const bytes = Uint8Array.from({ length: megabytes << 20 }, (_, index) => (index * 31 + (index >> 8)) % 256)
      const { status } = await window.session.fetch('/api/large', { method: 'PUT', body: new Blob([bytes]) })
      const hash = await crypto.subtle.digest('SHA-256', bytes)
      return { status, hash: [...new Uint8Array(hash)] }
    }, megabytes)
    expect(sum.status).toBe(200)
    const [arrival, ...more] = world.api.arrivalsAt('/api/large')
    expect(more).toEqual([])
    expect(arrival?.bytes.length).toBe(megabytes << 20)
    const hash = await crypto.subtle.digest('SHA-256', new Uint8Array(arrival?.bytes ?? []))
    expect([...new Uint8Array(hash)]).toEqual(sum.hash)
    expect(await fetchInSession(page, '/api/orders')).toBe('200')
    expect(world.provider.refreshes).toBe(1)
  })
})
