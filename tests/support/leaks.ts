// What an injected script could find: a search through everything that a page's script can reach, and a
// record of every response that the browser let the page have.
import type { BrowserContext, Page, Response } from 'playwright-core'

/** Three base64url parts of which the first starts like `{"`: a JWT, whoever made it. */
const jwt = /eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*/

/** A place where something was found that scripts must not see. */
export interface Leak {
  place: string
  excerpt: string
}

/** What a search knows: it must have looked at something, and it says how much. */
export interface Search {
  leaks: Leak[]
  texts: number
}

/**
 * Searches storage, cookies, IndexedDB, caches, history, the document and every object reachable from
 * `window` for a JWT or one of the `secrets`. What stands for a token and is none, the `placeholder`, counts for
 * nothing.
 */
export async function searchPage(page: Page, secrets: Iterable<string>, placeholder?: string): Promise<Search> {
  const { texts, complete } = await page.evaluate(collectTexts)
  if (!complete) throw new Error('the page holds more objects than the search looks at')
  return judge(texts, secrets, placeholder)
}

/** Records the answers to a browser's requests to one origin, for a search when all is done. */
export class ResponseRecord {
  readonly #pending: Promise<[string, string][]>[] = []

  constructor(browser: BrowserContext, origin: string) {
    browser.on('response', (response) => {
      if (new URL(response.url()).origin === origin) this.#pending.push(textsOf(response))
    })
  }

  /** Searches the bodies and the headers that scripts may read. */
  async search(secrets: Iterable<string>, placeholder?: string): Promise<Search> {
    const texts = (await Promise.all(this.#pending)).flat()
    return judge(texts, secrets, placeholder)
  }
}

async function textsOf(response: Response): Promise<[string, string][]> {
  const name = `${response.request().method()} ${new URL(response.url()).pathname}`
  const texts: [string, string][] = []
  for (const [header, value] of Object.entries(await response.allHeaders())) {
    // Scripts cannot read these: the one by the Fetch standard, the other as redirects are followed unseen.
    if (header !== 'set-cookie' && header !== 'location') texts.push([`${name}: header ${header}`, value])
  }
  const redirect = response.status() >= 300 && response.status() < 400
  // A page that has navigated away in the meantime takes its bodies along.
  if (!redirect) texts.push([`${name}: body`, await response.text().catch(() => '')])
  return texts
}

function judge(texts: [string, string][], secrets: Iterable<string>, placeholder?: string): Search {
  const known = [...secrets].filter((secret) => secret.length >= 16)
  const leaks: Leak[] = []
  for (const [place, whole] of texts) {
    const text = placeholder ? whole.replaceAll(placeholder, '') : whole
    const found = jwt.exec(text)?.[0] ?? known.find((secret) => text.includes(secret))
    if (found) leaks.push({ place, excerpt: `${found.slice(0, 12)}…` })
  }
  return { leaks, texts: texts.length }
}

/** Runs in the page. Gives every text with the place where it was found. */
async function collectTexts(): Promise<{ texts: [string, string][], complete: boolean }> {
  const mostObjects = 300_000
  const deepest = 12
  const texts: [string, string][] = []
  let objects = 0

  const add = (place: string, value: unknown): void => {
    if (typeof value === 'string' && value.length >= 16) texts.push([place, value])
  }

  const seen = new Set<object>()
  const walk = (root: unknown, start: string): void => {
    // Breadth first, so that each object is met on its shortest way.
    const queue: [string, unknown, number][] = [[start, root, 0]]
    for (const [place, value, depth] of queue) {
      add(place, value)
      if ((typeof value !== 'object' && typeof value !== 'function') || value === null) continue
      if (seen.has(value) || depth > deepest || objects >= mostObjects) continue
      seen.add(value)
      objects += 1
      if (value instanceof Map || value instanceof Set) {
        for (const entry of value.entries()) queue.push([`${place}.entries()`, entry, depth + 1])
      }
      for (let owner: object | null = value; owner; owner = Object.getPrototypeOf(owner) as object | null) {
        for (const key of Reflect.ownKeys(owner)) {
          const name = String(key)
          try {
            // Through the object itself, so that the getters of its prototypes answer for it.
            queue.push([`${place}.${name}`, Reflect.get(value, key), depth + 1])
          } catch {
            // A getter that refuses hides nothing that a script could have.
          }
        }
      }
    }
  }

  for (const [name, storage] of [['localStorage', localStorage], ['sessionStorage', sessionStorage]] as const) {
    for (const [key, value] of Object.entries(storage)) add(`${name}[${key}]`, `${key}=${String(value)}`)
  }
  add('document.cookie', document.cookie)
  add('window.name', window.name)
  add('location', location.href)
  add('document.referrer', document.referrer)
  add('document', document.documentElement.outerHTML)
  walk(history.state, 'history.state')
  for (const entry of performance.getEntries()) add('performance', entry.name)

  const ask = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB'))
  })
  for (const { name } of await indexedDB.databases()) {
    if (!name) continue
    const database = await ask(indexedDB.open(name))
    for (const store of database.objectStoreNames) {
      const content = database.transaction(store).objectStore(store)
      walk(await ask(content.getAllKeys()), `indexedDB.${name}.${store} key`)
      const again = database.transaction(store).objectStore(store)
      walk(await ask(again.getAll()), `indexedDB.${name}.${store}`)
    }
    database.close()
  }

  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      const answer = await cache.match(request)
      add(`caches.${name} ${request.url}`, `${request.url} ${(await answer?.text()) ?? ''}`)
    }
  }

  walk(window, 'window')
  return { texts, complete: objects < mostObjects }
}
