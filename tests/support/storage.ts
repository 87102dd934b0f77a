// What a page may leave in the browser's storage: one boolean of the client's (rule 8). Checked after every test, for
// every origin of a gateway, in every browser that the test opened.
import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, expect } from 'vitest'
import { until } from './servers.ts'

// The test's gateways as browsers see them, what its own pages may keep there, and the looks at its browsers.
const origins = new Set<string>()
const allowed = new Set<string>()
const contexts = new Set<BrowserContext>()
const found: string[] = []

/** From now on until the test ends, nothing but the client's boolean may lie in this origin's storage. */
export function guardStorage(url: string): void {
  origins.add(new URL(url).origin)
}

/** Keys that the application under test keeps by itself. */
export function allowInStorage(...keys: string[]): void {
  for (const key of keys) allowed.add(key)
}

/** Looks into this browser's storage when the test ends, and before the test itself closes a page or the browser. */
export function watchStorage(context: BrowserContext): void {
  contexts.add(context)
  const close = context.close.bind(context)
  context.close = async (...options) => {
    if (contexts.delete(context)) await lookAt(context)
    return close(...options)
  }
  const watch = (page: Page): void => {
    const close = page.close.bind(page)
    page.close = async (...options) => {
      await lookInto(page)
      return close(...options)
    }
  }
  context.pages().forEach(watch)
  context.on('page', watch)
}

/** What lies there, or lay there when a page was closed, and may not. */
export async function leftovers(): Promise<string[]> {
  for (const context of contexts) await lookAt(context)
  return [...new Set(found.splice(0))].filter((entry) => entry !== 'localStorage[cloakroom]=1')
}

afterEach(async () => {
  const all = await leftovers()
  contexts.clear()
  origins.clear()
  allowed.clear()
  expect(all, "what lies in the storage of the gateway's origins").toEqual([])
})

async function lookAt(context: BrowserContext): Promise<void> {
  for (const page of context.pages()) await lookInto(page)
  const state = await context.storageState()
  for (const { origin, localStorage } of state.origins) {
    if (origins.has(origin)) for (const { name, value } of localStorage) note('localStorage', name, value)
  }
}

/** sessionStorage belongs to one tab, and can only be read there. */
async function lookInto(page: Page): Promise<void> {
  for (const frame of page.frames()) {
    // A page that is just leaving is looked into when it has arrived.
    const arrived = () => frame.evaluate(readSession).catch(() => (frame.isDetached() || page.isClosed() ? [] : undefined))
    for (const [origin, name, value] of await until('a look into sessionStorage', arrived)) {
      if (origins.has(origin)) note('sessionStorage', name, value)
    }
  }
}

/** Runs in the page. */
function readSession(): [string, string, string][] {
  try {
    return Object.entries(sessionStorage).map(([name, value]) => [location.origin, name, String(value)])
  } catch {
    return [] // the browser's own page of an error
  }
}

function note(storage: string, name: string, value: string): void {
  if (!allowed.has(name)) found.push(`${storage}[${name}]=${value}`)
}
