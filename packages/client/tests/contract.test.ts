// The fake session tells an application's tests what the real one would tell the application: the same things happen
// to both, and their listeners hear the same in the same order.
import { describe, expect, test } from 'vitest'
import { fakeSession } from '../src/testing.js'
import type { Session } from '../src/index.js'
import { loggedIn, loggedOut, marked, openTab, settled } from './tab.js'

/** What can happen to a session; each has happened when it resolves. */
interface Life {
  session: Session
  diary: string[]
  logIn: (sub: string) => Promise<unknown>
  expire: () => Promise<unknown>
  switchTo: (sub: string) => Promise<unknown>
  logOutElsewhere: () => Promise<unknown>
  unreachable: () => void
}

function real(): Life {
  const tab = openTab()
  const session = tab.session()
  let sessions = 0
  const next = (sub: string): string => {
    const sid = `s-${sessions += 1}`
    tab.gateway.answer('GET /auth/session', loggedIn(sub, { sid }))
    return sid
  }
  tab.gateway.answer('POST /api/login', marked('started', 200))
  tab.gateway.answer('GET /api/orders', marked('login-required'))
  tab.gateway.answer('POST /auth/logout', Response.json({ location: '/bye' }))
  return {
    session,
    diary: session.diary,
    logIn(sub) {
      next(sub)
      return session.snapshot.status === 'unknown' ? session.ready() : session.fetch('http://app.test/api/login', { method: 'POST' })
    },
    expire() {
      tab.gateway.answer('GET /auth/session', loggedOut)
      return session.fetch('http://app.test/api/orders')
    },
    switchTo: (sub) => tab.tell({ in: next(sub) }).then(settled),
    logOutElsewhere: () => tab.tell({ out: 'remote' }),
    unreachable() {
      for (const answers of tab.gateway.answers.values()) answers.splice(0, answers.length, () => Promise.reject(new TypeError('no network')))
      tab.gateway.answer('POST /auth/refresh', new Response('', { status: 503 }))
    },
  }
}

function fake(): Life {
  const fake = fakeSession({ status: 'unknown' })
  const { session } = fake
  const diary: string[] = []
  session.onReset((reason) => diary.push(`reset: ${reason}`))
  session.onChange((snapshot, reason) => diary.push(`${reason}: ${snapshot.claims?.sub ?? snapshot.status}`))
  return {
    session,
    diary,
    logIn: async (sub) => fake.logIn({ sub }),
    expire: async () => fake.expire(),
    switchTo: async (sub) => fake.switchTo({ sub }),
    logOutElsewhere: async () => fake.logOutElsewhere(),
    unreachable() {
      fake.unreachable = true
    },
  }
}

describe.each([['the real session', real], ['the fake', fake]])('%s', (_, open) => {
  test('tells of login, expiry and return of the same user, and of another one after it (rules 9, 10)', async () => {
    const life = open()
    await life.logIn('alice')
    await life.expire()
    await life.logIn('alice')
    await life.expire()
    await life.expire()
    await life.logIn('bob')
    expect(life.diary).toEqual([
      'init: alice', 'expired: out', 'login: alice', 'expired: out', 'reset: switched', 'switched: bob',
    ])
  })

  test('tells of what other tabs do (rules 8, 9)', async () => {
    const life = open()
    await life.logIn('alice')
    await life.switchTo('bob')
    await life.switchTo('bob')
    await life.logOutElsewhere()
    await life.logOutElsewhere()
    await life.switchTo('alice')
    expect(life.diary).toEqual([
      'init: alice', 'reset: switched', 'switched: bob', 'reset: switched', 'switched: bob',
      'reset: remote', 'remote: out', 'remote: alice',
    ])
  })

  test('forgets an expired session at a logout elsewhere, and tells of nothing as nothing changed', async () => {
    const life = open()
    await life.logIn('alice')
    await life.expire()
    await life.logOutElsewhere()
    expect(life.diary).toEqual(['init: alice', 'expired: out', 'reset: remote'])
  })

  test('tells of its own logout, and of the next login', async () => {
    const life = open()
    await life.logIn('alice')
    await life.session.logout()
    await life.logIn('bob')
    expect(life.diary).toEqual(['init: alice', 'reset: logout', 'logout: out', 'login: bob'])
  })

  test('rejects what needs an answer where nobody can be reached, and changes nothing (rule 5)', async () => {
    const life = open()
    await life.logIn('alice')
    life.unreachable()
    const unreachable = { name: 'SessionError', reason: 'unreachable' }
    await expect(life.session.check()).rejects.toMatchObject(unreachable)
    await expect(life.session.ensureFresh(Infinity)).rejects.toMatchObject(unreachable)
    await expect(life.session.logout()).rejects.toMatchObject(unreachable)
    expect(await life.session.ready()).toMatchObject({ claims: { sub: 'alice' } })
    expect(life.diary).toEqual(['init: alice'])
  })

  test('needs nobody to say that nobody is logged in', async () => {
    const life = open()
    await life.logIn('alice')
    await life.expire()
    life.unreachable()
    expect(await life.session.ensureFresh()).toBe(false)
  })
})
