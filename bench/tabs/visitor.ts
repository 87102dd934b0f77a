// A browser profile with three tabs of one candidate's page, and what the benchmark does in them.
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { fillLoginForm } from '../../tests/support/browser.ts'
import { until } from '../../tests/support/servers.ts'
import type { Candidate } from './candidates.ts'
import type { Result } from './pages/candidate.ts'
import type { Shop } from './shop.ts'

export class Visitor {
  readonly candidate: Candidate
  readonly #context: BrowserContext
  readonly #url: string
  readonly #tabs: Page[] = []
  #known = false

  private constructor(candidate: Candidate, context: BrowserContext, url: string) {
    this.candidate = candidate
    this.#context = context
    this.#url = url
  }

  /** Comes with nothing in its profile. */
  static async open(browser: Browser, shop: Shop, candidate: Candidate, tabs: number): Promise<Visitor> {
    const context = await browser.newContext()
    const visitor = new Visitor(candidate, context, `${shop.urls[candidate.from]}/${candidate.page}`)
    while (visitor.#tabs.length < tabs) visitor.#tabs.push(await context.newPage())
    return visitor
  }

  /** Logs in anew in the first tab and loads the others. */
  async logIn(): Promise<void> {
    const [first, ...others] = this.#tabs
    if (!first) return
    await first.goto(this.#url)
    await until('the page', () => first.evaluate(() => window.bench !== undefined))
    await first.evaluate(() => {
      const { bench } = window
      delete window.bench // so that nobody takes this document for the one after the login
      bench?.logIn()
    })
    // The provider asks for the password once; then it knows who this is.
    if (!this.#known) await fillLoginForm(first)
    this.#known = true
    await isReady(first)
    await Promise.all(others.map(async (tab) => {
      await tab.goto(this.#url)
      await isReady(tab)
    }))
  }

  /** Six requests in every tab at once. */
  run(): Promise<Result[]> {
    return Promise.all(this.#tabs.map(sixRequests))
  }

  /** Whether one tab, loaded anew, gets its answers with what this profile holds now. */
  async isLoggedIn(): Promise<boolean> {
    const [first] = this.#tabs
    if (!first) return false
    await first.reload()
    return await ready(first) === true && (await sixRequests(first)).lost === 0
  }

  async leave(): Promise<void> {
    await this.#context.close()
  }
}

function sixRequests(tab: Page): Promise<Result> {
  return tab.evaluate(() => {
    if (!window.bench) throw new Error('the page is gone')
    return window.bench.run()
  })
}

async function isReady(tab: Page): Promise<void> {
  await until(`${tab.url()} is logged in`, () => ready(tab))
}

/** Undefined while there is no page, or another one. */
function ready(tab: Page): Promise<boolean | undefined> {
  return tab.evaluate(() => window.bench?.ready()).catch(() => undefined)
}
