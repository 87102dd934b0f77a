// The search of the other tests must be able to find: each hiding place, with a token planted in it.
import { expect, test } from 'vitest'
import { launch } from './support/browser.ts'
import { ResponseRecord, searchPage } from './support/leaks.ts'
import { serve } from './support/servers.ts'

const token = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'
const opaque = 'opaque-refresh-token-0123456789'

const hidingPlaces: Record<string, (secret: string) => unknown> = {
  'localStorage': (secret) => localStorage.setItem('a', secret),
  'sessionStorage': (secret) => sessionStorage.setItem('a', secret),
  'document.cookie': (secret) => { document.cookie = `a=${secret}` },
  'window.name': (secret) => { window.name = secret },
  'location': (secret) => { location.hash = secret },
  'history.state': (secret) => history.replaceState({ deep: [{ secret }] }, ''),
  'document': (secret) => document.body.setAttribute('data-a', secret),
  'performance': (secret) => performance.mark(secret),
  'caches': async (secret) => (await caches.open('a')).put('/a', new Response(secret)),
  'indexedDB': (secret) => new Promise((resolve) => {
    const opening = indexedDB.open('a')
    opening.onupgradeneeded = () => opening.result.createObjectStore('s').put({ deep: secret }, 'k')
    opening.onsuccess = () => resolve(opening.result.close())
  }),
  'window': (secret) => { Reflect.set(window, 'app', { cache: new Map([['a', { get token() { return secret } }]]) }) },
}

test('the search finds a token in every place that a script can reach', async () => {
  const { port } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body>')
  })
  const browser = await launch()
  const clean = await browser.newPage()
  await clean.goto(`http://localhost:${port}`)
  const nothing = await searchPage(clean, [opaque])
  expect(nothing.leaks).toEqual([])
  expect(nothing.texts).toBeGreaterThan(100)

  for (const [place, hide] of Object.entries(hidingPlaces)) {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${port}`)
    await page.evaluate(hide, opaque)
    const { leaks } = await searchPage(page, [opaque])
    expect(leaks.map((leak) => leak.place).join(' '), place).toContain(place)
    await page.evaluate(async () => {
      localStorage.clear()
      document.cookie = 'a=; max-age=0'
      indexedDB.deleteDatabase('a')
      await caches.delete('a')
    })
    await page.close()
  }

  // Without knowing the token: by its form.
  await clean.evaluate((secret) => { window.name = secret }, token)
  expect((await searchPage(clean, [])).leaks.map((leak) => leak.place)).toContain('window.name')
})

test('the record finds a token in bodies and readable headers of all responses', async () => {
  const { port } = await serve((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'x-token': request.url === '/header' ? opaque : '' })
    response.end(request.url === '/body' ? `{"access_token":"${token}"}` : '<!doctype html><body>')
  })
  const browser = await launch()
  const record = new ResponseRecord(browser, `http://localhost:${port}`)
  const page = await browser.newPage()
  await page.goto(`http://localhost:${port}`)
  await page.evaluate(async () => {
    await (await fetch('/body')).text()
    await (await fetch('/header')).text()
  })
  const { leaks } = await record.search([opaque])
  expect(leaks.map((leak) => leak.place).sort()).toEqual(['GET /body: body', 'GET /header: header x-token'])
})
