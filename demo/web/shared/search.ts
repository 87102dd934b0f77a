// What an injected script does first: it looks through every place that it can read.
// The same code runs in the demo page and in the page that keeps its token in localStorage.

import { distinct, scan, type Finding } from './scan'

/** What a search read (in words) and what it found. */
export interface Haul {
  read: string
  findings: Finding[]
}

/** A request whose answer a script reads: its name for people and how to send it. */
export interface Probe {
  name: string
  send: () => Promise<Response>
}

export function searchStorage(name: string, storage: Storage): Haul {
  const keys = Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? '')
  const findings = keys.flatMap((key) => scan(`${name}["${key}"]`, `${key} ${storage.getItem(key) ?? ''}`))
  const listed = keys.length > 0 && findings.length === 0 ? ` (${keys.join(', ')})` : ''
  return { read: count(keys.length, 'entry', 'entries') + listed, findings }
}

export function searchCookies(): Haul {
  const pairs = document.cookie.split('; ').filter((pair) => pair !== '')
  return {
    read: count(pairs.length, 'readable cookie', 'readable cookies'),
    findings: scan('document.cookie', pairs.join(' ')),
  }
}

export async function searchIndexedDb(): Promise<Haul> {
  const databases = await indexedDB.databases()
  const texts = await Promise.all(databases.map(({ name = '' }) => dump(name)))
  return {
    read: count(databases.length, 'database', 'databases'),
    findings: texts.flatMap((text) => scan('IndexedDB', text)),
  }
}

/** Walks everything reachable from `window` and from the elements of the document. */
export function searchGlobals(limit = 400_000): Haul {
  const seen = new WeakSet<object>()
  const queue: Array<{ path: string; object: object }> = [{ path: 'window', object: window }]
  document.querySelectorAll('*').forEach((object) => queue.push({ path: `<${object.localName}>`, object }))
  const findings: Finding[] = []

  const visit = (path: string, value: unknown) => {
    if (typeof value === 'string') findings.push(...scan(path, value))
    else if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      if (!seen.has(value)) queue.push({ path, object: value })
    }
  }
  visit('history.state', history.state)
  let walked = 0
  // The queue grows while it is read: `for … of` follows it.
  for (const { path, object } of queue) {
    if (walked >= limit) break
    if (seen.has(object) || object instanceof Storage) continue
    seen.add(object)
    walked += 1
    for (let owner: object | null = object; owner !== null; owner = Reflect.getPrototypeOf(owner)) {
      // Through the object itself, so that the getters of its prototypes answer for it.
      for (const key of Reflect.ownKeys(owner)) visit(`${path}.${String(key)}`, property(object, key))
    }
    if (object instanceof Map || object instanceof Set) {
      for (const entry of object.entries()) entry.forEach((value) => visit(`${path}[…]`, value))
    }
  }
  const text = document.documentElement.outerHTML
  return {
    read: `${walked.toLocaleString('en')} objects and the document's text`,
    findings: distinct([...findings, ...scan('the document', text)]),
  }
}

/** Sends every request again and reads the answers: bodies, and the headers that scripts may see. */
export async function searchResponses(probes: Probe[]): Promise<Haul> {
  const findings = await Promise.all(
    probes.map(async ({ name, send }) => {
      const answer = await send().catch(() => undefined)
      if (answer === undefined) return []
      const headers = [...answer.headers].map(([key, value]) => `${key}: ${value}`).join('\n')
      return scan(`the answer of ${name}`, `${headers}\n${await answer.text()}`)
    }),
  )
  return { read: count(probes.length, 'answer', 'answers'), findings: distinct(findings.flat()) }
}

export function count(n: number, one: string, many: string): string {
  return `${n === 0 ? 'No' : n} ${n === 1 ? one : many}`
}

/** Reads a property; a getter may throw, or answer a promise that fails. */
function property(object: object, key: PropertyKey): unknown {
  try {
    const value: unknown = Reflect.get(object, key)
    if (value instanceof Promise) value.catch(() => {})
    return value
  } catch {
    return undefined
  }
}

/** Everything in one database, as text. */
function dump(name: string): Promise<string> {
  return new Promise((resolve) => {
    const opening = indexedDB.open(name)
    opening.onerror = () => resolve('')
    opening.onsuccess = () => {
      const db = opening.result
      const stores = [...db.objectStoreNames]
      const close = (texts: string[]) => {
        db.close()
        resolve(texts.join('\n'))
      }
      if (stores.length === 0) return close([])
      const transaction = db.transaction(stores, 'readonly')
      const reads = stores.map((store) => transaction.objectStore(store).getAll())
      transaction.oncomplete = () => close(reads.map((read) => JSON.stringify(read.result)))
      transaction.onerror = () => close([])
    }
  })
}
