// The check that follows every test must be able to find what a page leaves in the browser's storage.
import { expect, test } from 'vitest'
import { inEachEngine, launch } from './support/browser.ts'
import { serve } from './support/servers.ts'
import { allowInStorage, guardStorage, leftovers } from './support/storage.ts'

inEachEngine((engine) => {
  test('whatever a page leaves in storage is found, but for the one boolean and what is allowed (rule 8)', async () => {
    const { port } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Page</title>')
    })
    guardStorage(`http://localhost:${port}`)
    allowInStorage('theme')
    const browser = await launch({ engine })
    const [page, closed, elsewhere] = [await browser.newPage(), await browser.newPage(), await browser.newPage()]
    for (const each of [page, closed]) await each.goto(`http://localhost:${port}/`)
    await elsewhere.goto(`http://127.0.0.1:${port}/`)
    await elsewhere.evaluate(() => localStorage.setItem('other', 'origin'))
    expect(await leftovers()).toEqual([])

    await page.evaluate(() => {
      localStorage.setItem('cloakroom', '1')
      localStorage.setItem('theme', 'dark')
    })
    expect(await leftovers()).toEqual([])

    await page.evaluate(() => localStorage.setItem('cloakroom', 'alice'))
    expect(await leftovers()).toEqual(['localStorage[cloakroom]=alice'])
    await page.evaluate(() => {
      localStorage.clear()
      sessionStorage.setItem('a', 'b')
    })
    expect(await leftovers()).toEqual(['sessionStorage[a]=b'])
    await page.evaluate(() => sessionStorage.clear())

    await closed.evaluate(() => sessionStorage.setItem('c', 'd'))
    await closed.close()
    expect(await leftovers()).toEqual(['sessionStorage[c]=d'])

    await page.evaluate(() => localStorage.setItem('e', 'f'))
    await browser.close()
    expect(await leftovers()).toEqual(['localStorage[e]=f'])
  })
})
