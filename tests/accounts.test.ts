// A login service of somebody else's making (npm accounts-js: JWT and refresh token as JSON, localStorage in
// the page), first as its users run it, then behind the gateway: the same server, the same page.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { build } from 'vite'
import { user } from './support/accounts.ts'
import { launch } from './support/browser.ts'
import { Child } from './support/child.ts'
import { Gateway } from './support/gateway.ts'
import { ResponseRecord, searchPage } from './support/leaks.ts'
import { repository } from './support/programs.ts'
import { freePort, temporaryFolder, until } from './support/servers.ts'
import { allowInStorage } from './support/storage.ts'

/** Seconds. */
const accessTokenLifetime = 4

// The page's own code reads when its tokens expire, so the placeholder has the form of a JWT: no signature,
// nobody's name, a time far ahead.
const placeholder = `${base64url({ alg: 'none' })}.${base64url({ exp: 4_102_444_800 })}.`

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

interface Application {
  url: string
  /** The folder of its page, as built. */
  site: string
  server: Child
}

async function startApplication(): Promise<Application> {
  const folder = join(repository, 'tests', 'apps', 'accounts')
  const site = await temporaryFolder()
  await build({ root: join(folder, 'web'), logLevel: 'error', build: { outDir: site } })
  const port = await freePort()
  const server = new Child(process.execPath, [join(folder, 'server.js'), String(port), site], {
    TOKEN_SECRET: randomBytes(32).toString('hex'),
    TOKEN_LIFETIME: `${accessTokenLifetime}s`,
  })
  await server.says('listening')
  return { url: `http://localhost:${port}`, site, server }
}

function configuration(application: Application, url: string): string {
  const service = application.url.replace('localhost', '127.0.0.1')
  return `
[public]
url = "${url}"

[[provider]]
kind = "token_api"
name = "accounts"
login = "/accounts/password/authenticate"
tokens = { access = "/tokens/accessToken", refresh = "/tokens/refreshToken" }
placeholder = "${placeholder}"
refresh = { url = "${service}/accounts/refreshTokens", json = { accessToken = "{access_token}", refreshToken = "{refresh_token}" } }
logout = { url = "${service}/accounts/logout", headers = { Authorization = "Bearer {access_token}" }, path = "/accounts/logout" }

[[route]]
path = "/api"
upstream = "${service}"

[[route]]
path = "/accounts"
upstream = "${service}"
session = "optional"
`
}

/** What the application's users do, the same in both cases. */
async function logIn(page: Page): Promise<void> {
  await page.locator('#name').fill(user.name)
  await page.locator('#password').fill('wrong')
  await page.locator('#login button').click()
  await page.getByText('Invalid credentials').waitFor() // the service's own words
  await page.locator('#password').fill(user.password)
  await page.locator('#login button').click()
  await expectState(page, 'logged in as alice')
}

async function order(page: Page, answer = '{"user":"alice","orders":["tea","tarts"]}'): Promise<void> {
  await page.locator('#orders').click()
  await page.getByText(answer).waitFor()
}

async function expectState(page: Page, state: string): Promise<void> {
  await page.locator('#state', { hasText: state }).waitFor()
}

function storage(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() => ({ ...localStorage }))
}

/** Waits until a token that was issued by then has expired, by the whole seconds of a JWT. */
async function expiry(issuedBy: number): Promise<void> {
  await until('the access token expires', () => Date.now() > issuedBy + (accessTokenLifetime + 1) * 1000)
}

test('accounts-js as it is: the tokens lie in localStorage', async () => {
  const application = await startApplication()
  const page = await (await launch()).newPage()
  await page.goto(application.url)
  await logIn(page)
  const issuedBy = Date.now()
  await order(page)
  await page.reload()
  await expectState(page, 'logged in as alice')
  const search = await searchPage(page, [])
  expect(search.leaks.map(({ place }) => place)).toEqual(expect.arrayContaining([
    'localStorage[accounts:accessToken]',
    'localStorage[accounts:refreshToken]',
  ]))
  await expiry(issuedBy)
  await order(page)
  await application.server.says('refreshed')
  await page.locator('#logout').click()
  await expectState(page, 'logged out')
  await application.server.says('logged out')
})

test('accounts-js behind the gateway, not a line of it changed: localStorage holds the placeholder', async () => {
  const application = await startApplication()
  const port = await freePort()
  const url = `http://localhost:${port}`
  const gateway = await Gateway.startWith(`${configuration(application, url)}
[listen]
address = "127.0.0.1:${port}"

[site]
dir = "${application.site}"
`)
  allowInStorage('accounts:accessToken', 'accounts:refreshToken')
  const browser = await launch()
  const record = new ResponseRecord(browser, url)
  const page = await browser.newPage()
  await page.goto(url)
  await logIn(page)
  const issuedBy = Date.now()
  await order(page)
  const placeholders = { 'accounts:accessToken': placeholder, 'accounts:refreshToken': placeholder }
  expect(await storage(page)).toEqual(placeholders)
  await page.reload()
  await expectState(page, 'logged in as alice')

  await expiry(issuedBy)
  await order(page)
  await application.server.says('refreshed')
  expect(await storage(page)).toEqual(placeholders)

  const secrets = (await browser.cookies(url)).map(({ value }) => value)
  expect(secrets.length).toBeGreaterThan(0)
  expect((await searchPage(page, secrets, placeholder)).leaks).toEqual([])
  expect((await record.search(secrets, placeholder)).leaks).toEqual([])

  await page.locator('#logout').click()
  await expectState(page, 'logged out')
  await application.server.says('logged out')
  expect(await browser.cookies(url)).toEqual([])
  await order(page, 'Request failed with status code 401')
  await until('the log', () => gateway.log.includes('/accounts/logout'))
})
