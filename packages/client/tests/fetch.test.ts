// `session.fetch`: what is refreshed, repeated and left alone.
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { fresh, loggedIn, loggedOut, marked, openTab, settled } from './tab.js'

const ask = 'GET /auth/session'
const refresh = 'POST /auth/refresh'
const orders = 'http://app.test/api/orders'
const ok = Response.json([7])

describe('a marked 401', () => {
  test('is refreshed and repeated, unseen (rules 2 and 5)', async () => {
    const tab = openTab()
    tab.gateway.answer('GET /api/orders', marked('expired'), ok)
    tab.gateway.answer(refresh, fresh(60))
    const answer = await tab.session().fetch(orders)
    expect(await answer.json()).toEqual([7])
    expect(tab.gateway.asked(refresh)).toBe(1)
    expect(tab.told).toEqual([{ fresh: expect.any(Number) }])
  })

  test('of many at once is refreshed once (rule 3)', async () => {
    const tab = openTab()
    tab.gateway.answer('GET /api/orders', ...Array.from({ length: 8 }, () => marked('expired')), ok)
    tab.gateway.answer(refresh, fresh())
    const session = tab.session()
    const answers = await Promise.all(Array.from({ length: 8 }, () => session.fetch(orders)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(tab.gateway.asked(refresh)).toBe(1)
  })

  test.each([true, false])('that comes after a refresh is only repeated (rule 3; locks: %s)', async (locks) => {
    const tab = openTab({ locks })
    let late = (_: Response): void => {}
    tab.gateway.answer('GET /api/orders', () => new Promise((resolve) => (late = resolve)), ok)
    tab.gateway.answer(refresh, fresh())
    const session = tab.session()
    const slow = session.fetch(orders)
    await settled()
    await tab.tell({ fresh: null })
    late(marked('expired'))
    expect((await slow).status).toBe(200)
    expect(tab.gateway.asked(refresh)).toBe(0)
  })

  test('is refreshed a second time and then given to the application, which stays logged in (rule 5)', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('GET /api/orders', marked('expired'))
    tab.gateway.answer(refresh, fresh())
    const session = tab.session()
    await session.ready()
    expect((await session.fetch(orders)).status).toBe(401)
    expect(tab.gateway.asked('GET /api/orders')).toBe(3)
    expect(tab.gateway.asked(refresh)).toBe(2)
    expect(session.snapshot.status, 'as the gateway says').toBe('in')
  })

  test('whose refresh finds the session over ends it', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedOut)
    tab.gateway.answer('GET /api/orders', marked('expired'))
    tab.gateway.answer(refresh, marked('login-required'))
    const session = tab.session()
    await session.ready()
    expect((await session.fetch(orders)).status).toBe(401)
    expect(session.diary).toEqual(['init: alice', 'expired: out'])
  })

  test.each([
    ['the provider is down', new Response('', { status: 503 })],
    ['the gateway is down', () => Promise.reject(new TypeError('no network'))],
  ])('is an error where %s; the state stays (rule 5)', async (_, answer) => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('GET /api/orders', marked('expired'), marked('expired'), ok)
    tab.gateway.answer(refresh, answer, fresh())
    const session = tab.session()
    await session.ready()
    await expect(session.fetch(orders)).rejects.toMatchObject({ name: 'SessionError', reason: 'unreachable' })
    expect(session.diary).toEqual(['init: alice'])
    expect((await session.fetch(orders)).status, 'later').toBe(200)
  })

  test('whose body breaks off while it is refreshed leaves no error behind', async () => {
    const tab = openTab()
    const broken = new ReadableStream({ start: (body) => body.error(new TypeError('no network')) })
    const headers = { 'Cloakroom-Session': 'expired' }
    tab.gateway.answer('GET /api/orders', () => new Response(broken, { status: 401, headers }), ok)
    tab.gateway.answer(refresh, fresh())
    expect((await tab.session().fetch(orders)).status).toBe(200)
    // The runner fails where a rejection is nobody's.
    await settled()
  })

  test('of a request that is given up waits no longer, and its refresh goes on', async () => {
    const tab = openTab()
    let late = (_: Response): void => {}
    tab.gateway.answer('GET /api/orders', marked('expired'))
    tab.gateway.answer(refresh, () => new Promise((resolve) => (late = resolve)))
    const giveUp = new AbortController()
    const call = tab.session().fetch(orders, { signal: giveUp.signal })
    await vi.waitFor(() => expect(tab.gateway.asked(refresh)).toBe(1))
    giveUp.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    late(fresh())
    await vi.waitFor(() => expect(tab.told).toEqual([{ fresh: expect.any(Number) }]))
  })
})

describe('a user who is gone', () => {
  async function underWay(method: string) {
    const tab = openTab()
    let answer = (_: Response): void => {}
    tab.gateway.answer(ask, loggedIn('alice'), loggedIn('bob'))
    tab.gateway.answer(`${method} /api/orders`, () => new Promise((resolve) => (answer = resolve)), ok)
    tab.gateway.answer(refresh, fresh())
    const session = tab.session()
    await session.ready()
    const call = session.fetch(orders, { method })
    await settled()
    await tab.tell({ in: 's-bob' })
    await settled()
    expect(session.snapshot.claims?.sub).toBe('bob')
    return { tab, call, answer }
  }

  test('gets no answer after the reset: it would be shown to the next one', async () => {
    const { call, answer } = await underWay('GET')
    answer(ok)
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('sends nothing again in the name of the next one', async () => {
    const { tab, call, answer } = await underWay('POST')
    answer(marked('expired'))
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(tab.gateway.asked('POST /api/orders')).toBe(1)
  })

  test('is not the one who begins a new session', async () => {
    const tab = openTab()
    let answer = (_: Response): void => {}
    tab.gateway.answer(ask, loggedIn('alice'), loggedIn('alice', { sid: 's-2' }))
    tab.gateway.answer('GET /api/orders', () => new Promise((resolve) => (answer = resolve)))
    const session = tab.session()
    await session.ready()
    const call = session.fetch(orders)
    await settled()
    await tab.tell({ in: 's-2' })
    await settled()
    answer(ok)
    expect((await call).status).toBe(200)
  })
})

test.each([
  ['no mark', new Response('', { status: 401 })],
  ['a step-up', new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Bearer error="insufficient_user_authentication"' } })],
  ['another refusal', new Response('', { status: 403 })],
])('an answer with %s is the application\'s own (rule 2)', async (_, answer) => {
  const tab = openTab()
  tab.gateway.answer('GET /api/orders', answer)
  expect((await tab.session().fetch(orders)).status).toBe(answer.status)
  expect(tab.gateway.requests.length).toBe(1)
})

describe('bodies (rule 6)', () => {
  const form = new FormData()
  form.set('file', new File(['hanger'], 'a.txt'))
  test.each<[string, () => BodyInit]>([
    ['text', () => 'text'],
    ['a Blob', () => new Blob(['text'])],
    ['a form', () => form],
    ['parameters', () => new URLSearchParams({ a: '1' })],
    ['a buffer', () => new TextEncoder().encode('text').buffer as ArrayBuffer],
    ['bytes', () => new TextEncoder().encode('text')],
  ])('%s goes again as it was', async (_, body) => {
    const tab = openTab()
    const bodies: string[] = []
    const record = (answer: Response) => async (request: Request) => {
      bodies.push(`${request.headers.get('content-type')} ${await request.text()}`)
      return answer
    }
    tab.gateway.answer('POST /api/orders', record(marked('expired')), record(ok))
    tab.gateway.answer(refresh, fresh())
    const answer = await tab.session().fetch(orders, { method: 'POST', body: body() })
    expect(answer.status).toBe(200)
    expect(bodies.length).toBe(2)
    expect(bodies[1]).toBe(bodies[0])
    expect(bodies[0]).not.toMatch(/ $/)
  })

  test('a Request is taken like one by fetch', async () => {
    const tab = openTab()
    tab.gateway.answer('POST /api/orders', marked('expired'), async (request) => new Response(await request.text()))
    tab.gateway.answer(refresh, fresh())
    const request = new Request(orders, { method: 'POST', body: 'text' })
    const session = tab.session()
    expect(await (await session.fetch(request)).text()).toBe('text')
    await expect(session.fetch(request), 'its body is used').rejects.toBeInstanceOf(TypeError)
  })

  test('a stream waits for a fresh token and is never repeated', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice', { expiresIn: 5 }))
    tab.gateway.answer(refresh, fresh())
    tab.gateway.answer('POST /api/orders', marked('expired'))
    const body = new Blob(['text']).stream()
    const answer = await tab.session().fetch(orders, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(answer.status).toBe(401)
    expect(tab.gateway.asked(refresh), 'before').toBe(1)
    expect(tab.gateway.asked('POST /api/orders')).toBe(1)
  })

  test('a stream is an error where the browser would send its name', async () => {
    const tab = openTab()
    class OldRequest extends Request {}
    vi.stubGlobal('Request', Object.create(OldRequest, { prototype: { value: {} } }))
    const call = tab.session().fetch(orders, { method: 'POST', body: new Blob(['text']).stream() })
    await expect(call).rejects.toMatchObject({ name: 'SessionError', reason: 'stream' })
    expect(tab.gateway.requests).toEqual([])
  })
})

describe('what goes where (rule 1)', () => {
  const headersOf = (request: Request | undefined): unknown => [
    request?.headers.get('X-CSRF-Token'),
    request?.headers.get('X-Requested-With'),
    request?.credentials,
  ]

  test('the CSRF token and the required header go to our own origins with what changes something', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice', { csrfToken: 't1' }))
    const all = ['GET /api/orders', 'POST /api/orders', 'POST http://api.test/orders', 'POST http://foreign.test/orders']
    for (const one of all) tab.gateway.answer(one, ok)
    const session = tab.session({
      csrfHeader: 'X-CSRF-Token', requiredHeader: 'X-Requested-With', apiOrigins: ['http://api.test'],
    })
    await session.fetch(orders)
    await session.fetch(orders, { method: 'POST' })
    await session.fetch('http://api.test/orders', { method: 'POST' })
    await session.fetch('http://foreign.test/orders', { method: 'POST' })
    const [read, , write, api, foreign] = tab.gateway.requests
    expect(headersOf(read)).toEqual([null, null, 'same-origin'])
    expect(headersOf(write)).toEqual(['t1', '1', 'same-origin'])
    expect(headersOf(api)).toEqual(['t1', '1', 'include'])
    expect(headersOf(foreign)).toEqual([null, null, 'same-origin'])
    expect(tab.gateway.asked(ask), 'the token is asked for once').toBe(1)
  })

  test('who wants no credentials sends none', async () => {
    const tab = openTab()
    tab.gateway.answer('GET http://api.test/', ok)
    await tab.session({ apiOrigins: ['http://api.test'] }).fetch('http://api.test/', { credentials: 'omit' })
    expect(tab.gateway.requests[0]?.credentials).toBe('omit')
  })

  test('refresh and logout bring the token of the session that is there now', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice', { csrfToken: 't1' }), loggedIn('bob', { csrfToken: 't2' }))
    tab.gateway.answer('POST /auth/logout', Response.json({ location: '/' }))
    const session = tab.session({ csrfHeader: 'X-CSRF-Token' })
    await session.ready()
    await session.logout()
    expect(tab.gateway.requests.at(-1)?.headers.get('X-CSRF-Token')).toBe('t2')
  })

  test('a mark of a foreign origin counts for nothing, also after a redirect', async () => {
    const tab = openTab()
    const redirected = Object.defineProperties(marked('expired'), {
      redirected: { value: true },
      url: { value: 'http://foreign.test/' },
    })
    tab.gateway.answer('GET http://foreign.test/', marked('expired'))
    tab.gateway.answer('GET /api/orders', () => redirected)
    const session = tab.session()
    expect((await session.fetch('http://foreign.test/')).status).toBe(401)
    expect((await session.fetch(orders)).status).toBe(401)
    expect(tab.gateway.requests.length).toBe(2)
  })
})

describe('ensureFresh', () => {
  test('asks only where the token ends too soon', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice', { expiresIn: 120 }))
    tab.gateway.answer(refresh, fresh(600))
    const session = tab.session()
    expect(await session.ensureFresh()).toBe(true)
    expect(tab.gateway.asked(refresh)).toBe(0)
    expect(await session.ensureFresh(180_000)).toBe(true)
    expect(await session.ensureFresh(180_000)).toBe(true)
    expect(tab.gateway.asked(refresh), 'it knows the new end').toBe(1)
    expect(await session.ensureFresh(Infinity)).toBe(true)
    expect(tab.gateway.asked(refresh)).toBe(2)
  })

  test('asks where nobody knows when the token ends', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice', { expiresIn: null }))
    tab.gateway.answer(refresh, new Response(null, { status: 204 }))
    expect(await tab.session().ensureFresh()).toBe(true)
    expect(tab.gateway.asked(refresh)).toBe(1)
  })

  test('finds the session over', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedOut)
    tab.gateway.answer(refresh, marked('login-required'))
    const session = tab.session()
    expect(await session.ensureFresh(Infinity)).toBe(false)
    expect(session.diary).toEqual(['init: alice', 'expired: out'])
  })

  test('is false where nobody is logged in', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedOut)
    expect(await tab.session().ensureFresh()).toBe(false)
  })
})

describe('while another tab refreshes (rule 3)', () => {
  /** Another tab's refresh; ends it. */
  function holdLock(): () => void {
    let release = () => {}
    void navigator.locks.request('cloakroom:http://app.test/auth', {}, () => new Promise<void>((end) => (release = end)))
    return () => release()
  }

  test('a request waits and is repeated, though no news of that refresh have come yet', async () => {
    const tab = openTab()
    tab.gateway.answer('GET /api/orders', marked('expired'), ok)
    const session = tab.session()
    const release = holdLock()
    const answer = session.fetch(orders)
    await settled()
    expect(tab.gateway.asked('GET /api/orders')).toBe(1)
    release()
    expect((await answer).status).toBe(200)
    expect([tab.gateway.asked('GET /api/orders'), tab.gateway.asked(refresh)]).toEqual([2, 0])
  })

  test('in vain, the repeated request has this tab refresh', async () => {
    const tab = openTab()
    tab.gateway.answer('GET /api/orders', marked('expired'), marked('expired'), ok)
    tab.gateway.answer(refresh, fresh())
    const session = tab.session()
    const release = holdLock()
    const answer = session.fetch(orders)
    await settled()
    release()
    expect((await answer).status).toBe(200)
    expect(tab.gateway.asked(refresh)).toBe(1)
  })

  test('whoever must know that the token is fresh has it refreshed, also beside a request that waits', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('GET /api/orders', marked('expired'), ok)
    tab.gateway.answer(refresh, fresh())
    const session = tab.session()
    await session.ready()
    const release = holdLock()
    const answer = session.fetch(orders)
    await settled()
    const sure = session.ensureFresh(Infinity)
    await settled()
    release()
    expect([(await answer).status, await sure]).toEqual([200, true])
    expect(tab.gateway.asked(refresh)).toBe(1)
  })
})

describe('the lock (rule 4)', () => {
  test('of a tab that never lets go is waited for ten seconds, then done without', async () => {
    const tab = openTab()
    tab.gateway.answer('GET /api/orders', marked('expired'), ok)
    tab.gateway.answer(refresh, fresh())
    const { signal } = new AbortController()
    void navigator.locks.request('cloakroom:http://app.test/auth', { signal }, () => new Promise(() => {}))
    const timeUp = AbortSignal.abort(new DOMException('time is up', 'TimeoutError'))
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(timeUp)
    onTestFinished(() => timeout.mockRestore())
    expect((await tab.session().fetch(orders)).status).toBe(200)
    expect(timeout.mock.calls[0]).toEqual([10_000])
  })

  test('holds no call of the application', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer(refresh, fresh(900))
    const session = tab.session()
    await session.ready()
    const free: Promise<unknown>[] = []
    session.onChange(() => {
      free.push(navigator.locks.request('cloakroom:http://app.test/auth', { signal: AbortSignal.timeout(1000) }, () => 0))
    })
    await session.ensureFresh(Infinity)
    expect(free.length).toBe(1)
    await free[0]
  })
})
