// Everything together: provider on its own site, API, gateway, and what tests do with it again and again.
import { request } from 'node:http'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { TestApi } from './api.ts'
import { launch } from './browser.ts'
import { Gateway } from './gateway.ts'
import { server, type Kind, type SessionMode, type SourceOptions } from './kinds.ts'
import { TestProvider } from './provider.ts'
import { freePort, until } from './servers.ts'
import type { TokenSource } from './source.ts'

export const sessionCookie = '__Host-session'

export interface WorldOptions {
  /** Lifetime of access tokens in seconds. */
  accessTokenLifetime?: number
  sameSite?: 'lax' | 'strict'
  /** The public URL, where it is not `http://localhost:PORT`, and further ones. */
  url?: (port: number) => string
  also?: (port: number) => string[]
  /** Keys of `[listen]`, `[cookie]` and `[guard]`. */
  listen?: string
  cookie?: string
  guard?: string | ((port: number) => string)
  /** The folder of the page, or the address of a development server that has it; by default `tests/site`. */
  site?: string
  devServer?: string
  /** Leave the provider off the air at first. */
  providerDown?: boolean
}

export interface World<Source extends TokenSource = TestProvider> {
  /** The gateway as browsers see it, for example `http://localhost:41234`. */
  url: string
  /** Where it listens on 127.0.0.1. */
  port: number
  /** Where its tokens come from. */
  provider: Source
  api: TestApi
  gateway: Gateway
}

/** Starts an OpenID provider, API and gateway, by default with sessions at the server; all end with the test. */
export function openWorld(options: WorldOptions = {}, mode = server): Promise<World> {
  return open((source) => new TestProvider(source), mode, options)
}

/** The same with another source of tokens and another way to keep them. */
export function openWorldOf(kind: Kind, options: WorldOptions = {}): Promise<World<TokenSource>> {
  return open(kind.open, kind.mode, options)
}

async function open<Source extends TokenSource>(
  sourceOf: (options: SourceOptions) => Source,
  mode: SessionMode,
  options: WorldOptions,
): Promise<World<Source>> {
  const port = await freePort()
  const url = options.url?.(port) ?? `http://localhost:${port}`
  const also = options.also?.(port) ?? []
  const { accessTokenLifetime = 600, sameSite = 'lax' } = options
  const provider = sourceOf({ port: await freePort(), publicUrl: url, also, accessTokenLifetime })
  if (!options.providerDown) await provider.start()
  const api = new TestApi(provider)
  await api.start()
  const { routes, environment } = provider
  const gateway = await Gateway.start({
    port,
    publicUrl: url,
    providers: provider.provider + (mode.verifies ? provider.accessToken : ''),
    upstream: api.url,
    routes,
    session: mode.session,
    also,
    listen: options.listen,
    cookie: `same_site = "${sameSite}"\n${options.cookie ?? ''}`,
    guard: typeof options.guard === 'function' ? options.guard(port) : options.guard,
    site: options.site,
    devServer: options.devServer,
    environment,
  })
  return { url, port, provider, api, gateway }
}

/** Opens the page in a new browser and logs in as a person would. */
export async function logIn(
  world: World<TokenSource>,
  path = '/',
  browser?: BrowserContext,
): Promise<{ browser: BrowserContext, page: Page }> {
  browser ??= await launch()
  const page = await browser.newPage()
  await page.goto(world.url + path)
  await world.provider.logIn(page)
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

/** Waits until every access token that was handed out has expired. */
export async function expiry(world: World<TokenSource>): Promise<void> {
  await until('the access token expires', () => Date.now() > world.provider.lastExpiry + 200)
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

/** Calls the API from within the page with the page's `session.fetch`, which refreshes where it must. */
export function call(page: Page, path = '/api/orders'): Promise<PageAnswer> {
  return page.evaluate(async (path) => {
    const call = Reflect.get(window, 'call') as typeof fetch
    const answer = await call(path, { method: 'POST', body: '{"amount":1}' })
    return { status: answer.status, session: answer.headers.get('cloakroom-session'), body: await answer.text() }
  }, path)
}

/** The session cookie's value as the browser keeps it. */
export async function sessionCookieValue(browser: BrowserContext): Promise<string> {
  const cookie = (await browser.cookies()).find(({ name }) => name === sessionCookie)
  if (!cookie) throw new Error('the browser holds no session cookie')
  return cookie.value
}

/** The headers that the page's own fetch would carry, with this session cookie. */
export function sameOriginHeaders(cookie: string): Record<string, string> {
  return sameOriginHeadersWith([{ name: sessionCookie, value: cookie }])
}

/** The same with all of these cookies. */
export function sameOriginHeadersWith(cookies: { name: string, value: string }[]): Record<string, string> {
  return {
    'cookie': cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
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
