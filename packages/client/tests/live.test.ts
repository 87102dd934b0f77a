// The live channel: when a tab listens, what it does with what it hears, and that nothing happens without the endpoint.
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { live } from '../src/live.js'
import type { Session } from '../src/index.js'
import { loggedIn, loggedOut, openTab, origin, type Tab } from './tab.js'

const ask = 'GET /auth/session'
const base = `${origin}/auth`

/** A stream as the browser has it; the test is the gateway. */
class Stream extends EventTarget {
  static all: Stream[] = []
  readonly CLOSED = 2
  readyState = 0
  onopen: (() => void) | undefined
  onerror: (() => void) | undefined

  readonly url: string

  constructor(url: string) {
    super()
    this.url = url
    Stream.all.push(this)
  }

  close(): void {
    this.readyState = this.CLOSED
  }

  open(): void {
    this.readyState = 1
    this.onopen?.()
  }

  tell(type: string, data: object): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }))
  }

  /** An answer that is no stream: the browser gives up. */
  refuse(): void {
    this.readyState = this.CLOSED
    this.onerror?.()
  }

  /** The connection breaks: the browser connects again. */
  break(): void {
    this.readyState = 0
    this.onerror?.()
  }
}

function listening(): Stream[] {
  return Stream.all.filter(({ readyState, CLOSED }) => readyState !== CLOSED)
}

function newest(): Stream {
  return Stream.all.at(-1)!
}

/** Lets so many seconds pass. */
function pass(seconds = 0): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(seconds * 1000)
}

/** A tab whose session listens; Alice is logged in. */
async function listen(tab: Tab): Promise<{ session: Session & { diary: string[] }, stop: () => void }> {
  tab.gateway.answer(ask, loggedIn('alice'))
  const session = tab.session()
  const stop = live(session, { base })
  onTestFinished(stop)
  await session.ready()
  await pass()
  tab.gateway.requests.splice(0)
  session.diary.splice(0)
  return { session, stop }
}

beforeEach(() => {
  Stream.all = []
  vi.stubGlobal('EventSource', Stream)
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

describe('a tab listens', () => {
  test('for as long as somebody is logged in', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedOut)
    const session = tab.session()
    onTestFinished(live(session, { base }))
    await pass()
    expect(Stream.all, 'nobody knows').toHaveLength(0)
    await session.ready()
    expect(Stream.all, 'nobody is there').toHaveLength(0)
    tab.gateway.answer(ask, loggedIn('alice'))
    await session.check()
    await pass()
    expect(listening().map(({ url }) => url)).toEqual(['http://app.test/auth/events'])
    tab.gateway.answer(ask, loggedOut)
    await session.check()
    expect(listening()).toHaveLength(0)
  })

  test('to the stream of the session that it knows', async () => {
    const tab = openTab()
    const { session } = await listen(tab)
    tab.gateway.answer(ask, loggedIn('bob'))
    await session.check()
    await pass()
    expect(Stream.all).toHaveLength(2)
    expect(listening()).toEqual([newest()])
  })

  test('alone of all tabs of the browser; the next one goes on where it stops', async () => {
    const tab = openTab()
    const first = await listen(tab)
    const second = await listen(tab)
    expect(Stream.all).toHaveLength(1)
    newest().open()
    await pass(60)
    first.stop()
    await pass()
    expect(Stream.all).toHaveLength(2)
    expect(listening()).toEqual([newest()])
    expect(tab.gateway.asked(ask), 'something may have happened in between').toBe(1)
    second.stop()
    await pass()
    expect(listening()).toHaveLength(0)
  })

  test('no longer, and waits no longer, once it was told to stop', async () => {
    const tab = openTab()
    const first = await listen(tab)
    const second = await listen(tab)
    second.stop()
    first.stop()
    await pass(600)
    expect(Stream.all).toHaveLength(1)
    expect(listening()).toHaveLength(0)
  })

  test('only while it is on the screen, without Web Locks', async () => {
    const tab = openTab({ locks: false })
    await listen(tab)
    expect(listening()).toHaveLength(1)
    tab.hidden = true
    tab.event('visibilitychange')
    await pass()
    expect(listening()).toHaveLength(0)
    tab.hidden = false
    tab.event('visibilitychange')
    await pass()
    expect(listening()).toHaveLength(1)
    expect(Stream.all).toHaveLength(2)
  })

  test('not while it is in the back/forward cache', async () => {
    const tab = openTab()
    await listen(tab)
    tab.event('pagehide', { persisted: true })
    expect(listening(), 'at once: nothing runs there any more').toHaveLength(0)
    await pass()
    expect(listening()).toHaveLength(0)
    const other = await listen(tab)
    expect(listening(), 'its turn goes to another tab').toHaveLength(1)
    other.stop()
    tab.event('pageshow', { persisted: true })
    await pass()
    expect(listening()).toHaveLength(1)
    expect(tab.gateway.asked(ask), 'something may have happened meanwhile').toBeGreaterThan(0)
  })

  test('nowhere, where the browser has no EventSource', async () => {
    vi.stubGlobal('EventSource', undefined)
    const tab = openTab()
    const { session } = await listen(tab)
    expect(session.snapshot.status).toBe('in')
    expect(tab.gateway.requests).toHaveLength(0)
  })
})

describe('what a tab hears', () => {
  test('of a refresh makes it ask', async () => {
    const tab = openTab()
    await listen(tab)
    newest().open()
    newest().tell('refreshed', { expiresIn: 300 })
    await pass()
    expect(tab.gateway.asked(ask)).toBe(1)
    expect(listening()).toHaveLength(1)
  })

  test.each([
    ['logout', ['reset: remote', 'remote: out']],
    ['expired', ['expired: out']],
    ['replaced', ['reset: remote', 'remote: out']],
  ])('of an end by %s is what the server says', async (reason, diary) => {
    const tab = openTab()
    const { session } = await listen(tab)
    newest().open()
    tab.gateway.answer(ask, loggedOut)
    newest().tell('ended', { reason })
    await pass(1)
    expect(session.diary).toEqual(diary)
    expect(tab.told, 'the other tabs hear of it').toEqual([
      { in: 's-alice' },
      { out: reason === 'expired' ? 'expired' : 'remote' },
    ])
    await pass(600)
    expect(Stream.all).toHaveLength(1)
  })

  test('of its own logout is no news', async () => {
    const tab = openTab()
    const { session } = await listen(tab)
    newest().open()
    const stream = newest()
    tab.gateway.answer('POST /auth/logout', async () => {
      stream.tell('ended', { reason: 'logout' })
      await new Promise((resolve) => setTimeout(resolve, 200))
      return Response.json({ location: '/' })
    })
    const done = session.logout()
    await pass(1)
    await done
    expect(session.diary).toEqual(['reset: logout', 'logout: out'])
    expect(tab.gateway.asked(ask)).toBe(0)
  })

  test('of an end is not believed where the server says otherwise; it listens again', async () => {
    const tab = openTab()
    const { session } = await listen(tab)
    newest().open()
    newest().tell('ended', { reason: 'expired' })
    await pass()
    expect(tab.gateway.asked(ask)).toBe(1)
    expect(session.snapshot.status).toBe('in')
    await pass(5)
    expect(Stream.all).toHaveLength(2)
    expect(tab.gateway.asked(ask)).toBe(2)
  })
})

describe('a stream that is no more', () => {
  test('is opened again by the browser, and what was missed is asked for', async () => {
    const tab = openTab()
    await listen(tab)
    newest().open()
    newest().break()
    await pass(60)
    expect(tab.gateway.asked(ask), 'the gateway may be gone').toBe(0)
    newest().open()
    await pass()
    expect(tab.gateway.asked(ask)).toBe(1)
    expect(Stream.all).toHaveLength(1)
  })

  test('is opened again after longer and longer pauses, where the browser gives up', async () => {
    const tab = openTab()
    await listen(tab)
    newest().open()
    for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300]) {
      const before = Stream.all.length
      newest().refuse()
      await pass(seconds - 1)
      expect(Stream.all, `${seconds} s`).toHaveLength(before)
      await pass(1)
      expect(Stream.all, `${seconds} s`).toHaveLength(before + 1)
    }
    newest().open()
    newest().refuse()
    await pass(5)
    expect(Stream.all).toHaveLength(10)
  })

  test('never was one: a gateway without the endpoint is left alone until the next login', async () => {
    const tab = openTab()
    const { session } = await listen(tab)
    await listen(tab)
    newest().refuse()
    await pass(3600)
    await session.check()
    await pass(3600)
    expect(Stream.all, 'one question for all tabs').toHaveLength(1)
    expect(tab.gateway.asked(ask), 'the test\'s own').toBe(1)
    tab.gateway.answer(ask, loggedIn('bob'))
    await session.check()
    await pass()
    expect(Stream.all).toHaveLength(2)
  })
})
