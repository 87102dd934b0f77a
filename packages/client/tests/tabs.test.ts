// What other tabs tell, and the way back to a page that was put aside (rules 7, 8 and 9).
import { describe, expect, test } from 'vitest'
import { fresh, loggedIn, loggedOut, openTab, settled } from './tab.js'

const ask = 'GET /auth/session'

describe('other tabs', () => {
  test('their logout resets at once; a late answer brings nobody back (rule 7)', async () => {
    const tab = openTab()
    let late = (_: Response): void => {}
    tab.gateway.answer(ask, loggedIn('alice'), () => new Promise((resolve) => (late = resolve)))
    const session = tab.session()
    await session.ready()
    const asked = session.check()
    await settled()
    await tab.tell({ out: 'remote' })
    late(loggedIn('alice'))
    expect(await asked).toMatchObject({ status: 'out' })
    expect(session.diary).toEqual(['init: alice', 'reset: remote', 'remote: out'])
  })

  test('their login is looked at; the session that is known already is not', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedOut, loggedIn('alice'))
    const session = tab.session()
    await session.ready()
    await tab.tell({ in: 's-alice' })
    await tab.tell({ in: 's-alice' })
    expect(session.diary).toEqual(['init: out', 'remote: alice'])
    expect(tab.gateway.asked(ask)).toBe(2)
  })

  test('their login is asked for once, however many of them tell of it', async () => {
    const tab = openTab()
    let late = (_: Response): void => {}
    tab.gateway.answer(ask, loggedOut, () => new Promise((resolve) => (late = resolve)))
    const session = tab.session()
    await session.ready()
    await tab.tell({ in: 's-alice' })
    await tab.tell({ in: 's-alice' })
    late(loggedIn('alice'))
    await settled()
    expect(session.diary).toEqual(['init: out', 'remote: alice'])
    expect(tab.gateway.asked(ask)).toBe(2)
  })

  test('what they tell a tab that has never asked changes nothing there', async () => {
    const tab = openTab()
    const session = tab.session()
    await tab.tell({ out: 'remote' })
    await tab.tell({ in: 's-alice' })
    expect(session.snapshot.status).toBe('unknown')
    expect(tab.gateway.requests).toEqual([])
  })

  test('their refresh moves the end of the token', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    const session = tab.session()
    await session.ready()
    const later = Date.now() + 900_000
    await tab.tell({ fresh: later })
    expect(session.snapshot.expiresAt).toBe(later)
    expect(session.diary).toEqual(['init: alice', 'refresh: alice'])
  })

  test('a hint that is gone is a logout, also where nobody can be asked (rule 8)', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), new Response('', { status: 503 }))
    const session = tab.session()
    await session.ready()
    tab.event('storage', { key: 'cloakroom' })
    await settled()
    expect(tab.gateway.asked(ask), 'nothing has changed').toBe(1)
    tab.storage.clear()
    tab.event('storage', { key: 'draft' })
    await settled()
    expect(tab.gateway.asked(ask), "the application's own keys say nothing").toBe(1)
    tab.event('storage', { key: 'cloakroom' })
    await settled()
    expect(session.diary).toEqual(['init: alice', 'reset: remote', 'remote: out'])
  })

  test('a hint that comes back where nobody can be asked leaves the work of an expired session', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedOut, new Response('', { status: 503 }))
    const session = tab.session()
    await session.ready()
    await session.check()
    tab.storage.set('cloakroom', '1')
    tab.event('storage', { key: 'cloakroom' })
    await settled()
    expect(session.diary).toEqual(['init: alice', 'expired: out'])
  })

  test('their login where nobody can be asked leaves nothing of the user before', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), new Response('', { status: 503 }))
    const session = tab.session()
    await session.ready()
    await tab.tell({ in: 's-bob' })
    await settled()
    expect(session.diary).toEqual(['init: alice', 'reset: remote', 'remote: out'])
  })

  test('a hint that a tab of another base takes away is not written again and again', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'))
    const session = tab.session()
    await session.ready()
    tab.storage.clear()
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.event('storage', { key: 'cloakroom' })
    await settled()
    expect([session.snapshot.status, tab.writes]).toEqual(['in', ['cloakroom=1']])
  })

  test.each([false, 'forbidden'] as const)('without storage, locks and channel (%s) everything else still works', async (channel) => {
    const tab = openTab({ storage: false, locks: false, channel })
    tab.gateway.answer(ask, loggedIn('alice'))
    tab.gateway.answer('POST /auth/refresh', fresh())
    const session = tab.session()
    expect(session.likelyLoggedIn).toBe(false)
    expect(await session.ready()).toMatchObject({ status: 'in' })
    expect(await session.ensureFresh(Infinity)).toBe(true)
  })
})

describe('the way back', () => {
  async function putAside(...answers: Response[]) {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), ...answers)
    const session = tab.session()
    await session.ready()
    tab.event('pagehide', { persisted: true })
    expect(tab.style.get('opacity')).toBe('0')
    tab.event('pageshow', { persisted: true })
    expect(tab.style.get('opacity'), 'until somebody knows').toBe('0')
    await settled()
    return tab
  }

  test('shows the page of the same session', async () => {
    const tab = await putAside(loggedIn('alice'))
    expect([...tab.style]).toEqual([])
    expect(tab.reloads).toBe(0)
  })

  test('hides and asks nothing where there is no way back, and hides nothing where there is nothing to hide', async () => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedOut)
    const session = tab.session()
    await session.ready()
    tab.event('pagehide', { persisted: false })
    tab.event('pageshow', { persisted: false })
    await settled()
    expect([[...tab.style], tab.gateway.asked(ask), tab.reloads]).toEqual([[], 1, 0])
    tab.event('pagehide', { persisted: true })
    expect([...tab.style]).toEqual([])
    tab.gateway.answer(ask, loggedIn('bob'))
    tab.event('pageshow', { persisted: true })
    await settled()
    expect([session.snapshot.claims?.sub, tab.reloads]).toEqual(['bob', 0])
  })

  test.each([
    ['another user', loggedIn('bob')],
    ['nobody', loggedOut],
    ['the same user anew', loggedIn('alice', { sid: 's-2' })],
  ])('shows nothing of an expired session, where %s is there now: who left it, nobody can say', async (_, answer) => {
    const tab = openTab()
    tab.gateway.answer(ask, loggedIn('alice'), loggedOut, answer)
    const session = tab.session()
    await session.ready()
    await session.check()
    expect(session.diary).toEqual(['init: alice', 'expired: out'])
    tab.event('pagehide', { persisted: true })
    tab.event('pageshow', { persisted: true })
    await settled()
    expect([tab.style.get('opacity'), tab.reloads]).toEqual(['0', 1])
  })

  test.each([
    ['another user', loggedIn('bob')],
    ['nobody', loggedOut],
    ['no answer', new Response('', { status: 503 })],
  ])('shows nothing where it is %s: the page loads anew', async (_, answer) => {
    const tab = await putAside(answer)
    expect(tab.style.get('opacity')).toBe('0')
    expect(tab.reloads).toBe(1)
  })
})
