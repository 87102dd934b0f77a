// What a browser gives a tab, as far as the client uses it, for tests without one; a scripted gateway behind it.
import { onTestFinished, vi } from 'vitest'
import { createSession, type Reason, type Session, type SessionOptions, type Snapshot } from '../src/index.js'

export const origin = 'http://app.test'
const base = `${origin}/auth`

/** What the gateway answers next; a function may look at the request. */
type Answer = Response | ((request: Request) => Response | Promise<Response>)

export class Gateway {
  readonly requests: Request[] = []
  /** By method and path, such as `GET /auth/session`; the last answer of a list stays. */
  readonly answers = new Map<string, Answer[]>()

  answer(to: string, ...answers: Answer[]): void {
    this.answers.set(to, answers)
  }

  /** How often this was asked. */
  asked(what: string): number {
    return this.requests.filter((request) => nameOf(request) === what).length
  }

  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    this.requests.push(request.clone())
    request.signal.throwIfAborted()
    const answers = this.answers.get(nameOf(request)) ?? []
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (!answer) throw new TypeError(`no answer to ${nameOf(request)}`)
    return answer instanceof Response ? answer.clone() : answer(request)
  }
}

function nameOf({ method, url }: Request): string {
  const { origin: to, pathname, search } = new URL(url)
  return `${method} ${to === origin ? '' : to}${pathname}${search}`
}

export interface Tab {
  gateway: Gateway
  /** Where the page was led. */
  navigations: string[]
  reloads: number
  storage: Map<string, string>
  /** What was written to the storage and taken from it. */
  writes: string[]
  /** Sends an event to the window. */
  event: (type: string, values?: object) => void
  /** A session in this tab; it is disposed of with the test. */
  session: (options?: SessionOptions) => Session & { diary: string[] }
  /** What the session told the other tabs. */
  told: unknown[]
  /** Another tab tells something, which has come when this resolves. */
  tell: (news: unknown) => Promise<void>
  /** The inline style of the document. */
  style: Map<string, string>
  hidden: boolean
}

/** Opens a tab: its globals last until the end of the test. */
export function openTab(options: { locks?: boolean, storage?: boolean, channel?: boolean | 'forbidden' } = {}): Tab {
  const events = new EventTarget()
  const gateway = new Gateway()
  const storage = new Map<string, string>()
  const style = new Map<string, string>()
  const channels = new Set<Channel>()
  const other = new Channel(channels)
  const sessions: Session[] = []
  const tab: Tab = {
    gateway,
    navigations: [],
    reloads: 0,
    storage,
    writes: [],
    style,
    told: [],
    hidden: false,
    event: (type, values) => void events.dispatchEvent(Object.assign(new Event(type), values)),
    session(options) {
      const session = createSession({ base, ...options })
      sessions.push(session)
      const diary: string[] = []
      session.onReset((reason) => diary.push(`reset: ${reason}`))
      session.onChange((snapshot: Snapshot, reason: Reason) => diary.push(`${reason}: ${snapshot.claims?.sub ?? snapshot.status}`))
      return Object.assign(Object.defineProperties({}, Object.getOwnPropertyDescriptors(session)) as Session, { diary })
    },
    async tell(news) {
      other.postMessage(news)
      await settled()
    },
  }
  other.addEventListener('message', (event) => tab.told.push((event as MessageEvent).data))

  vi.stubGlobal('document', {
    get hidden() {
      return tab.hidden
    },
    documentElement: {
      style: {
        setProperty: (name: string, value: string) => style.set(name, value),
        removeProperty: (name: string) => style.delete(name),
      },
    },
  })
  vi.stubGlobal('location', {
    origin,
    href: `${origin}/orders?page=2#7`,
    assign: (url: string) => tab.navigations.push(url),
    reload: () => (tab.reloads += 1),
  })
  vi.stubGlobal('navigator', options.locks === false ? {} : { locks: new Locks() })
  const refuse = (): never => {
    throw new DOMException('no storage', 'SecurityError')
  }
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => (options.storage === false ? refuse() : storage.get(key) ?? null),
    setItem(key: string, value: string) {
      if (options.storage === false) refuse()
      tab.writes.push(`${key}=${value}`)
      storage.set(key, value)
    },
    removeItem(key: string) {
      if (options.storage === false) refuse()
      if (storage.delete(key)) tab.writes.push(`no ${key}`)
    },
  })
  const openChannel = function () {
    return options.channel === 'forbidden' ? refuse() : new Channel(channels)
  }
  vi.stubGlobal('BroadcastChannel', options.channel === false ? undefined : openChannel)
  vi.stubGlobal('addEventListener', events.addEventListener.bind(events))
  vi.stubGlobal('fetch', gateway.fetch.bind(gateway))
  onTestFinished(() => {
    for (const session of sessions.splice(0)) session.dispose()
    vi.unstubAllGlobals()
  })
  return tab
}

/** A channel that delivers before anything else happens. */
class Channel extends EventTarget {
  readonly #all: Set<Channel>

  constructor(all: Set<Channel>) {
    super()
    this.#all = all.add(this)
  }

  postMessage(data: unknown): void {
    for (const other of this.#all) {
      if (other !== this) queueMicrotask(() => other.dispatchEvent(new MessageEvent('message', { data })))
    }
  }
}

interface Wish {
  mode: LockMode
  grant: () => void
}

/** Locks by name: first come, first served. */
class Locks {
  readonly #held = new Map<string, Wish[]>()
  readonly #waiting = new Map<string, Wish[]>()

  async request<T>(name: string, options: LockOptions, work: (lock: object | null) => T | Promise<T>): Promise<T> {
    const { mode = 'exclusive', ifAvailable, signal } = options
    const [held, waiting] = [this.#held, this.#waiting].map((map) => map.get(name) ?? map.set(name, []).get(name)!) as [Wish[], Wish[]]
    const fits = (wish: Wish) => !held.length || (wish.mode === 'shared' && held.every((one) => one.mode === 'shared'))
    const wish: Wish = { mode, grant: () => {} }
    if (ifAvailable && (waiting.length || !fits(wish))) return work(null)
    const next = () => {
      while (waiting[0] && fits(waiting[0])) {
        const first = waiting.shift()!
        held.push(first)
        first.grant()
      }
    }
    await new Promise<void>((grant, reject) => {
      wish.grant = grant
      if (signal?.aborted) return reject(signal.reason)
      signal?.addEventListener('abort', () => {
        if (!waiting.includes(wish)) return
        waiting.splice(waiting.indexOf(wish), 1)
        reject(signal.reason)
      })
      waiting.push(wish)
      next()
    })
    try {
      return await work({ name, mode })
    } finally {
      held.splice(held.indexOf(wish), 1)
      next()
    }
  }
}

/** Resolves when all that was due has happened: after more turns of the event loop than any chain of ours takes. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setTimeout(resolve))
}

/** The session answer for this user. */
export function loggedIn(sub: string, more: object = {}): Response {
  return Response.json({ loggedIn: true, claims: { sub }, sid: `s-${sub}`, expiresIn: 300, ...more })
}

export const loggedOut: Response = Response.json({ loggedIn: false })

/** An answer with this mark. */
export function marked(mark: string, status = 401): Response {
  return Response.json({ status, reason: mark }, { status, headers: { 'Cloakroom-Session': mark } })
}

/** The answer to a refresh that made the token fresh. */
export function fresh(seconds = 300): Response {
  return new Response(null, { status: 204, headers: { 'Cloakroom-Expires-In': String(seconds) } })
}
