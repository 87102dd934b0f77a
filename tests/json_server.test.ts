// json-server-auth (npm), started by its own command: a login service without refresh tokens, whose page keeps
// the token in localStorage and sends it by an axios interceptor. First as it is, then behind the gateway.
import { copyFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { build } from 'vite'
import { user } from './support/accounts.ts'
import { launch } from './support/browser.ts'
import { Child } from './support/child.ts'
import { Gateway } from './support/gateway.ts'
import { ResponseRecord, searchPage } from './support/leaks.ts'
import { dependency, repository } from './support/programs.ts'
import { freePort, temporaryFolder, until } from './support/servers.ts'
import { allowInStorage } from './support/storage.ts'
import { fetchIn } from './support/world.ts'

const placeholder = 'kept-by-cloakroom'

interface Application {
  url: string
  /** The folder of its page, as built. */
  site: string
}

async function startApplication(): Promise<Application> {
  const folder = join(repository, 'tests', 'apps', 'json-server')
  const site = await temporaryFolder()
  await build({ root: join(folder, 'web'), logLevel: 'error', build: { outDir: site } })
  const database = join(await temporaryFolder(), 'db.json')
  await copyFile(join(folder, 'db.json'), database)
  const port = await freePort()
  const program = dependency('json-server-auth', 'dist/bin.js')
  const server = new Child(process.execPath,
    [program, database, '--host', '127.0.0.1', '--port', String(port), '--static', relative('.', site)])
  await server.says('Home')
  const url = `http://localhost:${port}`
  await until('it serves', () => fetch(`http://127.0.0.1:${port}`).then(() => true, () => false))
  return { url, site }
}

/** What the application's users do, the same in both cases. */
async function use(page: Page): Promise<void> {
  await page.locator('#name').fill('alice@example.com')
  await page.locator('#password').fill('wrong')
  await page.locator('#login button').click()
  await page.getByText('"Incorrect password"').waitFor() // the service's own words
  await page.locator('#orders').click()
  await page.getByText('Missing authorization header').or(page.getByText('login-required')).waitFor()
  await page.locator('#password').fill(user.password)
  await page.locator('#login button').click()
  await page.getByText('logged in as alice@example.com').waitFor()
  await page.locator('#order').click()
  await page.getByText('{"userId":1,"name":"tarts","id":2}').waitFor()
  await page.reload()
  await page.getByText('logged in as alice@example.com').waitFor()
  await page.locator('#orders').click()
  await page.getByText('"name":"tea"').waitFor()
}

test('json-server-auth as it is: the token lies in localStorage', async () => {
  const application = await startApplication()
  const page = await (await launch()).newPage()
  await page.goto(application.url)
  await use(page)
  expect((await searchPage(page, [])).leaks.map(({ place }) => place)).toContain('localStorage[token]')
})

test('json-server-auth behind the gateway, not a line of it changed: localStorage holds the placeholder', async () => {
  const application = await startApplication()
  const service = application.url.replace('localhost', '127.0.0.1')
  const port = await freePort()
  const url = `http://localhost:${port}`
  await Gateway.startWith(`
[public]
url = "${url}"

[[provider]]
kind = "token_api"
name = "shop"
login = "/login"
tokens = { access = "/accessToken" }
claims = "/user"
placeholder = "${placeholder}"

[[route]]
path = "/login"
upstream = "${service}"

[[route]]
path = "/660"
upstream = "${service}"

[listen]
address = "127.0.0.1:${port}"

[site]
dir = "${application.site}"
`)
  allowInStorage('token', 'user')
  const browser = await launch()
  const record = new ResponseRecord(browser, url)
  const page = await browser.newPage()
  await page.goto(url)
  await use(page)
  expect(await page.evaluate(() => localStorage.getItem('token'))).toBe(placeholder)

  const secrets = (await browser.cookies(url)).map(({ value }) => value)
  expect(secrets.length).toBe(1)
  expect((await searchPage(page, secrets)).leaks).toEqual([])
  expect((await record.search(secrets)).leaks).toEqual([])

  const session = JSON.parse((await fetchIn(page, '/auth/session')).body) as { claims: unknown, sessionExpiresIn: number }
  expect(session.claims).toMatchObject({ email: 'alice@example.com' })
  expect(session.sessionExpiresIn, 'without a refresh token no longer than the token').toBeLessThanOrEqual(3600)

  expect((await fetchIn(page, '/auth/logout', { method: 'POST' })).status).toBe(200)
  expect(await browser.cookies(url)).toEqual([])
})
