// Everything together: provider on its own site, API, gateway, and what tests do with it again and again.
import { request } from 'node:http'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { resource, TestApi } from './api.ts'
import { fillLoginForm, launch } from './browser.ts'
import { Gateway } from './gateway.ts'
import { TestProvider } from './provider.ts'
import { freePort } from './servers.ts'

export const sessionCookie = '__Host-session'

export interface WorldOptions {
  /** Lifetime of access tokens in seconds. */
  accessTokenLifetime?: number
  sameSite?: 'lax' | 'strict'
  /** Leave the provider off the air at first. */
  providerDown?: boolean
}

export interface World {
  /** The gateway as browsers see it, for example `http://localhost:41234`. */
  url: string
  provider: TestProvider
  api: TestApi
  gateway: Gateway
}

/** Starts provider, API and gateway; all end with the test. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const { accessTokenLifetime = 600, sameSite = 'lax' } = options
  const provider = new TestProvider({ port: await freePort(), publicUrl: url, resource, accessTokenLifetime })
  if (!options.providerDown) await provider.start()
  const api = new TestApi(provider.issuer)
  await api.start()
  const { issuer } = provider
  const gateway = await Gateway.start({ port, publicUrl: url, issuer, upstream: api.url, resource, sameSite })
  return { url, provider, api, gateway }
}

/** Opens the page in a new browser and logs in through the provider's form. */
export async function logIn(world: World, path = '/'): Promise<{ browser: BrowserContext, page: Page }> {
  const browser = await launch()
  const page = await browser.newPage()
  await page.goto(world.url + path)
  await page.locator('#login').click()
  await fillLoginForm(page)
  await expectLoggedIn(page)
  return { browser, page }
}

/** Fails unless the page says that the user is logged in. */
export async function expectLoggedIn(page: Page): Promise<void> {
  await page.getByText('logged in as Alice Liddell').waitFor()
}

/** Fails unless the page says that nobody is logged in. */
export async function expectLoggedOut(page: Page): Promise<void> {
  await page.getByText('logged out', { exact: true }).waitFor()
}

/** What the page's own script gets for a fetch. */
export interface PageAnswer {
  status: number
  session: string | null
  body: string
}

/** Fetches from within the page. */
export function fetchIn(page: Page, path: string, init: RequestInit = {}): Promise<PageAnswer> {
  return page.evaluate(async ([path, init]) => {
    const answer = await fetch(path, init)
    return { status: answer.status, session: answer.headers.get('cloakroom-session'), body: await answer.text() }
  }, [path, init] as const)
}

/** Calls the API from within the page and fails unless it answers to the logged-in user. */
export async function expectApiAnswers(page: Page, path = '/api/orders'): Promise<void> {
  const answer = await fetchIn(page, path)
  expect(answer.status, answer.body).toBe(200)
  expect(JSON.parse(answer.body)).toMatchObject({ subject: 'alice', path })
}

/** The session cookie's value as the browser keeps it. */
export async function sessionCookieValue(browser: BrowserContext): Promise<string> {
  const cookie = (await browser.cookies()).find(({ name }) => name === sessionCookie)
  if (!cookie) throw new Error('the browser holds no session cookie')
  return cookie.value
}

/** The headers that the page's own fetch would carry, with this session cookie. */
export function sameOriginHeaders(cookie: string): Record<string, string> {
  return {
    'cookie': `${sessionCookie}=${cookie}`,
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty',
  }
}

/** A request without a browser, with headers that a browser would not let anyone set. */
export function rawRequest(
  url: string,
  options: { method?: string, headers?: Record<string, string>, body?: string | undefined } = {},
): Promise<{ status: number, headers: NodeJS.Dict<string | string[]>, body: string }> {
  return new Promise((resolve, reject) => {
    // `localhost` may mean ::1 first; the gateway listens on 127.0.0.1.
    const target = new URL(url)
    const headers = { host: target.host, ...options.headers }
    const { port, pathname, search } = target
    request({ host: '127.0.0.1', port, path: pathname + search, method: options.method ?? 'GET', headers }, (answer) => {
      let body = ''
      answer.setEncoding('utf8').on('data', (text: string) => { body += text })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }))
      answer.on('error', reject) // a server that dies in the middle of its answer: there is no `end` then
    }).on('error', reject).end(options.body)
  })
}
