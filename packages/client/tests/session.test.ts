// The states of a session: what is asked, published, reset and told to other tabs.
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { SessionError } from '../src/index.js'
import { fresh, loggedIn, loggedOut, marked, openTab, settled } from './tab.js'

const ask = 'GET /auth/session'

describe('the first answer', () => {
  test('is one request for all who wait, and remembered by one boolean (rule 8)', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    const session = tab.session()
    expect(session.snapshot.status).toBe('unknown')
    const [one, other] = await Promise.all([session.ready(), session.ready()])
    expect(one).toBe(other)
    expect(one).toMatchObject({ status: 'in', claims: { sub: 'alice' }, sid: 's-alice' })
    expect(tab.gateway.asked(ask)).toBe(1)
    expect([...tab.storage]).toEqual([['cloakroom', '1']])
    expect(session.likelyLoggedIn).toBe(true)
    expect(session.diary).toEqual(['init: alice'])
  })

  test('that does not come is an error, changes nothing, and is asked for again by the next', async () => {
    const tab = openTab()
    tab.storage.set('cloakroom', '1')
    tab.gateway.answer(ask, new Response('', { status: 502 }), Response.json({}), new Response('<html>'), loggedOut)
    const session = tab.session()
    await expect(session.ready()).rejects.toMatchObject({ name: 'SessionError', reason: 'unreachable' })
    await expect(session.ready(), 'no word of it').rejects.toBeInstanceOf(SessionError)
    await expect(session.ready(), 'a page instead of an answer').rejects.toBeInstanceOf(SessionError)
    expect(session.snapshot.status).toBe('unknown')
    expect(session.likelyLoggedIn, 'a hint stays until somebody knows').toBe(true)
    expect(await session.ready()).toMatchObject({ status: 'out' })
    expect(session.likelyLoggedIn).toBe(false)
    expect(session.diary).toEqual(['init: out'])
  })

  test('whose token has expired comes after a refresh (mode jwt)', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, marked('expired'), loggedIn('alice'))
    tab.gateway.answer('POST /auth/refresh', fresh())
    expect(await tab.session().ready()).toMatchObject({ status: 'in' })
  })

  test('whose token is expired again and again is no answer', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, marked('expired'))
    tab.gateway.answer('POST /auth/refresh', fresh())
    await expect(tab.session().ready()).rejects.toMatchObject({ reason: 'unreachable' })
    expect(tab.gateway.asked('POST /auth/refresh')).toBe(1)
  })

  // In Firefox also what a page gets that is left before the answer is read.
  test('that breaks off is none, and no reason to refresh', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, () => new Response(new ReadableStream({ start: (body) => body.error(new TypeError('cut off')) })))
    await expect(tab.session().ready()).rejects.toMatchObject({ reason: 'unreachable' })
    expect(tab.gateway.requests).toHaveLength(1)
  })

  test('whose refresh token is dead says that nobody is there', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, marked('expired'))
    tab.gateway.answer('POST /auth/refresh', marked('login-required'))
    expect(await tab.session().ready()).toMatchObject({ status: 'out' })
  })
})

test('a first answer that nobody is there tells tabs that still believe the hint', async () => {
  const tab = openTab()
  tab.storage.set('cloakroom', '1')
  tab.gateway.answer(ask, loggedOut)
  await tab.session().ready()
  expect(tab.told).toEqual([{ out: 'expired' }])
})

test('of two questions the newer one counts, for those who asked the older one too', async () => {
  const tab = openTab()
  const late: ((answer: Response) => void)[] = []
  tab.gateway.answer(ask, () => new Promise((resolve) => late.push(resolve)))
  const session = tab.session()
  const asked = [session.ready(), session.check()]
  await settled()
  late[0]?.(loggedIn('alice'))
  await settled()
  late[1]?.(loggedIn('bob'))
  expect(await Promise.all(asked)).toMatchObject([{ claims: { sub: 'bob' } }, { claims: { sub: 'bob' } }])
  expect(session.diary).toEqual(['init: bob'])
})

test('an older question that fails is answered by the newer one', async () => {
  const tab = openTab()
  let fail = (_: Response): void => {}
  tab.gateway.answer(ask, () => new Promise((resolve) => (fail = resolve)), loggedIn('alice'))
  const session = tab.session()
  const first = session.ready()
  await settled()
  await session.check()
  fail(new Response('', { status: 503 }))
  expect(await first).toMatchObject({ claims: { sub: 'alice' } })
})

test('a listener that throws keeps no other from hearing', async () => {
  const tab = openTab()
  tab.gateway.answer(ask, loggedIn('alice'))
  const session = tab.session()
  const report = vi.spyOn(Promise, 'reject').mockReturnValue(new Promise<never>(() => {}))
  onTestFinished(() => report.mockRestore())
  session.onChange(() => {
    throw new Error('mine alone')
  })
  const seen: string[] = []
  session.onChange(({ status }) => seen.push(status))
  expect(await session.ready()).toMatchObject({ status: 'in' })
  expect(seen).toEqual(['in'])
  expect(report, 'as an error that nobody caught').toHaveBeenCalledWith(new Error('mine alone'))
})

test('a session that is disposed of hears nothing more, and can still be used', async () => {
  const tab = openTab()
  tab.gateway.answer(ask, loggedIn('alice'))
  tab.gateway.answer('POST /auth/refresh', fresh())
  const session = tab.session()
  await session.ready()
  session.dispose()
  await tab.tell({ out: 'remote' })
  tab.event('visibilitychange')
  await settled()
  expect(session.snapshot.status).toBe('in')
  expect(tab.gateway.asked(ask)).toBe(1)
  expect(await session.ensureFresh(Infinity)).toBe(true)
})

describe('claims', () => {
  test('go through the schema, and keep their reference while they do not change', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedIn('alice'), loggedIn('alice', { claims: { sub: 'alice', name: 'A' } }))
    const validate = (value: unknown) => ({ value: value as { sub: string } })
    const session = tab.session({ claims: { '~standard': { validate } } })
    const first = await session.ready()
    expect(await session.check(), 'nothing changed').toBe(first)
    expect((await session.check()).claims).toEqual({ sub: 'alice', name: 'A' })
    expect(session.diary).toEqual(['init: alice', 'refresh: alice'])
  })

  test('that do not fit are an error and change nothing', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    const issues = [{ message: 'no role' }]
    const session = tab.session({ claims: { '~standard': { validate: () => ({ issues }) } } })
    await expect(session.ready()).rejects.toMatchObject({ reason: 'claims', cause: issues })
    expect(session.snapshot.status).toBe('unknown')
  })
})

describe('another user (rule 9)', () => {
  test('comes after a reset', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedIn('bob'))
    const session = tab.session()
    await session.ready()
    await session.check()
    expect(session.diary).toEqual(['init: alice', 'reset: switched', 'switched: bob'])
  })

  test('is another session of the same user too', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedIn('alice', { sid: 's-2' }))
    const session = tab.session()
    await session.ready()
    await session.check()
    expect(session.diary).toEqual(['init: alice', 'reset: switched', 'switched: alice'])
  })

  test('is not published where a reset fails: the page reloads', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedIn('bob'))
    const session = tab.session()
    session.onReset(() => {
      throw new Error('cannot forget')
    })
    await session.ready()
    await expect(session.check()).rejects.toThrow('cannot forget')
    expect(tab.reloads).toBe(1)
    expect(session.snapshot.claims?.sub).toBe('alice')
  })

  test('is found when the page can be seen again, once it has ever asked', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedIn('bob'))
    const session = tab.session()
    tab.event('visibilitychange')
    await settled()
    expect(tab.gateway.asked(ask), 'before anybody wanted to know').toBe(0)
    await session.ready()
    tab.hidden = true
    tab.event('visibilitychange')
    await settled()
    expect(tab.gateway.asked(ask), 'while nobody looks').toBe(1)
    tab.hidden = false
    tab.event('visibilitychange')
    await settled()
    expect(session.snapshot.claims?.sub).toBe('bob')
  })
})

describe('a session that expires (rule 10)', () => {
  async function expired(options = {}) {
    const tab = openTab(options)
    tab.gateway.answer(ask, loggedIn('alice'), loggedOut)
    tab.gateway.answer('GET /api/orders', marked('login-required'))
    return tab
  }

  test('resets nothing, tells the other tabs, and gives the answer', async () => {
    const tab = await expired()
    const session = tab.session()
    await session.ready()
    expect((await session.fetch('http://app.test/api/orders')).status).toBe(401)
    await settled()
    expect(session.diary).toEqual(['init: alice', 'expired: out'])
    expect(tab.told).toEqual([{ in: 's-alice' }, { out: 'expired' }])
    expect(tab.storage.size).toBe(0)
    expect(tab.navigations).toEqual([])
  })

  test('leaves the work of a user who comes back, and none to another one', async () => {
    const tab = await expired()
    const session = tab.session()
    await session.ready()
    await session.check()
    await session.check()
    tab.gateway.answer(ask, loggedIn('alice', { sid: 's-2' }), loggedOut, loggedOut, loggedIn('bob'))
    await session.check()
    await session.check()
    await session.check()
    await session.check()
    expect(session.diary).toEqual([
      'init: alice', 'expired: out', 'remote: alice', 'expired: out', 'reset: switched', 'switched: bob',
    ])
  })

  test('is a logout where the hint is gone: it resets, and leads nowhere', async () => {
    const tab = await expired()
    const session = tab.session({ onExpired: 'redirect' })
    await session.ready()
    tab.storage.clear()
    await session.check()
    expect(session.diary).toEqual(['init: alice', 'reset: remote', 'remote: out'])
    expect(tab.navigations).toEqual([])
  })

  test('resets once where a logout follows', async () => {
    const tab = await expired()
    const session = tab.session()
    await session.ready()
    await session.check()
    await tab.tell({ out: 'remote' })
    await tab.tell({ out: 'remote' })
    expect(session.diary).toEqual(['init: alice', 'expired: out', 'reset: remote'])
  })

  test('is not the session of the user of that name at another issuer', async () => {
    const tab = openTab()
    const at = (iss: string, sid: string) => loggedIn('7', { sid, claims: { iss, sub: '7' } })
    tab.gateway.answer(ask, at('one', 's-1'), loggedOut, at('other', 's-2'))
    const session = tab.session()
    await session.ready()
    await session.check()
    await session.check()
    expect(session.diary).toEqual(['init: 7', 'expired: out', 'reset: switched', 'switched: 7'])
  })

  test('is asked for once, however many calls find it', async () => {
    const tab = await expired()
    const session = tab.session()
    await session.ready()
    await Promise.all(Array.from({ length: 5 }, () => session.fetch('http://app.test/api/orders')))
    expect(tab.gateway.asked(ask)).toBe(2)
  })

  test('leads to the login where the application wants it, once', async () => {
    const tab = await expired()
    const session = tab.session({ onExpired: 'redirect' })
    await session.ready()
    await Promise.all([session.fetch('http://app.test/api/orders'), session.fetch('http://app.test/api/orders')])
    await session.fetch('http://app.test/api/orders')
    expect(tab.navigations).toEqual(['http://app.test/auth/login?return_to=%2Forders%3Fpage%3D2%237'])
  })

  test('is the word of the server alone: a late answer about the session before ends nothing', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('GET /api/orders', marked('login-required'))
    const session = tab.session()
    await session.ready()
    await session.fetch('http://app.test/api/orders')
    expect(session.snapshot.status).toBe('in')
  })

  test('stays known where nobody can be asked', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), new Response('', { status: 503 }))
    tab.gateway.answer('GET /api/orders', marked('login-required'))
    const session = tab.session()
    await session.ready()
    await session.fetch('http://app.test/api/orders')
    expect(session.snapshot.status).toBe('in')
  })
})

describe('login and logout', () => {
  test('login leaves the page for the gateway', () => {
    const tab = openTab()
    tab.session().login({ returnTo: '/cart', provider: 'shop' })
    expect(tab.navigations).toEqual(['http://app.test/auth/login?return_to=%2Fcart&provider=shop'])
  })

  test('logout resets, tells the other tabs, then leaves the page', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('POST /auth/logout?everywhere=true', Response.json({ location: '/bye' }))
    const session = tab.session()
    await session.ready()
    session.onReset(() => expect(tab.navigations).toEqual([]))
    await session.logout({ everywhere: true })
    await settled()
    expect(session.diary).toEqual(['init: alice', 'reset: logout', 'logout: out'])
    expect(tab.told.at(-1)).toEqual({ out: 'remote' })
    expect(tab.navigations).toEqual(['/bye'])
    expect(tab.storage.size).toBe(0)
  })

  test('logout leads to the provider also where a reset fails', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('POST /auth/logout', Response.json({ location: '/bye' }))
    const session = tab.session()
    await session.ready()
    session.onReset(() => {
      throw new Error('cannot forget')
    })
    await expect(session.logout()).rejects.toThrow('cannot forget')
    expect(tab.navigations, 'the newest navigation counts').toEqual(['/bye'])
  })

  test('the hint is there to be taken away, though the answer to the logout has cleared it', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('POST /auth/logout', () => {
      tab.storage.clear()
      return Response.json({ location: '/bye' })
    })
    const session = tab.session()
    await session.ready()
    await session.logout()
    expect(tab.writes).toEqual(['cloakroom=1', 'cloakroom=1', 'no cloakroom'])
  })

  test.each(['logout', 'login'])('a %s waits for the refresh that is under way (rule 7)', async (what) => {
    const tab = openTab()
    let late = (_: Response): void => {}
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('POST /auth/refresh', () => new Promise((resolve) => (late = resolve)))
    tab.gateway.answer('POST /auth/logout', Response.json({ location: '/bye' }))
    tab.gateway.answer('POST /api/login', marked('started', 200))
    const session = tab.session()
    await session.ready()
    const refreshed = session.ensureFresh(Infinity)
    await settled()
    const done = what === 'logout' ? session.logout() : session.fetch('http://app.test/api/login', { method: 'POST' })
    await settled()
    expect([tab.gateway.asked('POST /auth/logout'), tab.gateway.asked(ask)]).toEqual([0, 1])
    late(fresh())
    await Promise.all([refreshed, done])
    expect(tab.gateway.asked('POST /auth/logout') + tab.gateway.asked(ask)).toBe(2)
  })

  test("a guard that leads to the login at the sight of a logout does not lead past the provider's", async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('POST /auth/logout', Response.json({ location: '/bye' }))
    const session = tab.session()
    await session.ready()
    session.onChange(({ status }) => {
      if (status === 'out') queueMicrotask(() => session.login())
    })
    await session.logout()
    await settled()
    expect(tab.navigations).toEqual(['/bye'])
  })

  test('a logout that the gateway did not hear changes nothing', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    const session = tab.session()
    await session.ready()
    await expect(session.logout()).rejects.toMatchObject({ reason: 'unreachable' })
    expect(session.snapshot.status).toBe('in')
    expect(tab.navigations).toEqual([])
  })

  test("the application's own login and logout requests count", async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedOut, loggedIn('alice'))
    tab.gateway.answer('POST /api/login', marked('started', 200))
    tab.gateway.answer('POST /api/logout', marked('ended', 200))
    const session = tab.session()
    await session.ready()
    await session.fetch('http://app.test/api/login', { method: 'POST' })
    expect(session.snapshot.claims?.sub, 'known when the application gets the answer').toBe('alice')
    await session.fetch('http://app.test/api/logout', { method: 'POST' })
    expect(session.diary).toEqual(['init: out', 'login: alice', 'reset: logout', 'logout: out'])
  })
})

test('on a server nobody is known, nothing is asked, and fetch is fetch', async () => {
  const tab = openTab()
  Reflect.deleteProperty(globalThis, 'document')
  tab.gateway.answer('GET /api/orders', marked('expired'))
  const session = tab.session()
  expect(await session.ready()).toMatchObject({ status: 'unknown' })
  expect(await session.check()).toMatchObject({ status: 'unknown' })
  expect(await session.ensureFresh()).toBe(false)
  expect((await session.fetch('http://app.test/api/orders')).status).toBe(401)
  expect(tab.gateway.requests.length).toBe(1)
})
