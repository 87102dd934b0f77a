// The test page's session in a browser, and what the page hears of it.
import type { Reason, Session, SessionOptions } from '@cloakroom/client'
import type { BrowserContext, Page } from 'playwright-core'
import { launch, type Engine } from './browser.ts'
import { logIn, type World } from './world.ts'

declare global {
  interface Window {
    session: Session
    sessionOptions: SessionOptions
    heard: Heard
  }
}

/** What has happened in the page since it was last loaded. */
export interface Heard {
  /** Reasons of changes and of resets. */
  changes: Reason[]
  resets: Reason[]
  /** Method and path of each request that a script of the page has sent. */
  requests: string[]
}

/** Opens the page in a new browser, with these options of its session, and logs in. */
export async function openPage(
  engine: Engine,
  world: World,
  options: SessionOptions = {},
): Promise<{ browser: BrowserContext, page: Page }> {
  const browser = await launch({ engine })
  await browser.addInitScript(listen, options)
  return logIn(world, '/', browser)
}

/** Runs in the page before its own scripts. */
export function listen(options: SessionOptions): void {
  const heard: Heard = { changes: [], resets: [], requests: [] }
  window.heard = heard
  window.sessionOptions = options
  const { fetch } = window
  window.fetch = (input, init) => {
    const { method, url } = input instanceof Request ? input : { method: init?.method ?? 'GET', url: String(input) }
    heard.requests.push(`${method} ${new URL(url, location.href).pathname}`)
    return fetch(input, init)
  }
  let session: Session
  Object.defineProperty(window, 'session', {
    get: () => session,
    set(made: Session) {
      session = made
      session.onChange((_, reason) => heard.changes.push(reason))
      session.onReset((reason) => heard.resets.push(reason))
    },
  })
}

/** What the page has heard since it was loaded, or since this was last asked. */
export function heard(page: Page): Promise<Heard> {
  return page.evaluate(() => {
    const { changes, resets, requests } = window.heard
    return { changes: changes.splice(0), resets: resets.splice(0), requests: requests.splice(0) }
  })
}

/** What `session.fetch` gives: a status with the answer's mark, or the error's name with its reason. */
export function fetchInSession(page: Page, url: string, init: RequestInit = {}): Promise<string> {
  return page.evaluate(([url, init]) => window.session.fetch(url, init).then(
    ({ status, headers }) => [status, headers.get('cloakroom-session')].filter(Boolean).join(' '),
    (error: Error & { reason?: string }) => [error.name, error.reason].filter(Boolean).join(' '),
  ), [url, init] as const)
}
