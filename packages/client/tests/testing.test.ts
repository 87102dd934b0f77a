import { expect, test, vi } from 'vitest'
import { fakeSession } from '../src/testing.js'

interface User { sub: string, name: string }
const alice: User = { sub: 'alice', name: 'Alice' }
const bob: User = { sub: 'bob', name: 'Bob' }

/** A fake with a diary of what its listeners hear, in order. */
function watched(options: Parameters<typeof fakeSession<User>>[0] = {}) {
  const fake = fakeSession<User>(options)
  const diary: string[] = []
  const who = () => fake.session.snapshot.claims?.sub ?? fake.session.snapshot.status
  fake.session.onReset((reason) => diary.push(`reset ${reason} while ${who()}`))
  fake.session.onChange((snapshot, reason) => diary.push(`${reason}: ${snapshot.claims?.sub ?? snapshot.status}`))
  return { fake, session: fake.session, diary }
}

test('nobody is logged in by default, and somebody is with claims', async () => {
  expect(fakeSession().session.snapshot.status).toBe('out')
  const { session } = fakeSession({ claims: alice })
  expect(session.snapshot).toMatchObject({ status: 'in', claims: alice })
  expect(session.likelyLoggedIn).toBe(true)
  expect(await session.ready()).toBe(session.snapshot)
  expect(await session.ensureFresh()).toBe(true)
})

test('ready() of a session whose answer is still to come waits for it', async () => {
  const { fake, session, diary } = watched({ status: 'unknown' })
  const answered = vi.fn()
  const ready = session.ready().then(answered)
  await Promise.resolve()
  expect(session.snapshot.status).toBe('unknown')
  expect(answered).not.toHaveBeenCalled()
  fake.logIn(alice)
  await ready
  expect(answered).toHaveBeenCalledWith(session.snapshot)
  expect(diary).toEqual(['init: alice'])
})

test('an expired session resets nothing, nor does the return of the same user; that of another one does, before it is seen (rules 9, 10)', () => {
  const { fake, diary } = watched({ claims: alice })
  fake.expire()
  fake.logIn(alice)
  fake.expire()
  fake.logIn(bob)
  expect(diary).toEqual(['expired: out', 'login: alice', 'expired: out', 'reset switched while out', 'switched: bob'])
})

test('another user in another tab, and the logout there, reset before they are published (rule 9)', () => {
  const { fake, diary } = watched({ claims: alice })
  fake.switchTo(bob)
  fake.logOutElsewhere()
  expect(diary).toEqual(['reset switched while alice', 'switched: bob', 'reset remote while bob', 'remote: out'])
})

test('login and logout are recorded, and logout is one', async () => {
  const { fake, session, diary } = watched({ claims: alice })
  session.login({ returnTo: '/orders' })
  expect(diary).toEqual([])
  await session.logout({ everywhere: true })
  expect(diary).toEqual(['reset logout while alice', 'logout: out'])
  expect(fake.logins).toEqual([{ returnTo: '/orders' }])
  expect(fake.logouts).toEqual([{ everywhere: true }])
})

test('what a reset throws comes out of its control, and nothing is published', () => {
  const { fake, session, diary } = watched({ claims: alice })
  session.onReset(() => { throw new Error('cannot forget') })
  expect(() => fake.switchTo(bob)).toThrow('cannot forget')
  expect(session.snapshot.claims).toBe(alice)
  expect(diary).toEqual(['reset switched while alice'])
})

test('unreachable: every question rejects, the state stays, and the next question is asked anew', async () => {
  const { fake, session, diary } = watched({ claims: alice, fetch: async () => new Response('an answer') })
  fake.unreachable = true
  const questions = [() => session.check(), () => session.ensureFresh(), () => session.fetch('/api'), () => session.logout()]
  for (const question of questions) {
    await expect(question()).rejects.toMatchObject({ name: 'SessionError', reason: 'unreachable' })
  }
  expect(await session.ready()).toMatchObject({ status: 'in' })
  expect(diary).toEqual([])
  expect(fake.logouts).toEqual([])

  const late = fakeSession<User>({ status: 'unknown' })
  late.unreachable = true
  await expect(late.session.ready()).rejects.toMatchObject({ reason: 'unreachable' })
  late.unreachable = false
  const ready = late.session.ready()
  late.logIn(alice)
  expect(await ready).toMatchObject({ status: 'in', claims: alice })
})

test('a call that a reset overtakes gets no answer', async () => {
  const { fake, session } = watched({ claims: alice, fetch: async () => new Response('of alice') })
  const call = session.fetch('/api/orders')
  fake.switchTo(bob)
  await expect(call).rejects.toMatchObject({ name: 'AbortError' })
  expect(await (await session.fetch('/api/orders')).text()).toBe('of alice')
})

test('fetch is what the test gave, and no network without it', async () => {
  const answer = vi.fn(async () => Response.json({ id: 7 }))
  const { session } = fakeSession({ fetch: answer })
  expect(await (await session.fetch('/api/orders', { method: 'POST' })).json()).toEqual({ id: 7 })
  expect(answer).toHaveBeenCalledWith('/api/orders', { method: 'POST' })
  await expect(fakeSession().session.fetch('/api/orders')).rejects.toThrow('fakeSession({ fetch })')
})

test('subscribe calls at once and at changes, until it is ended', () => {
  const { fake, session } = watched()
  const seen: string[] = []
  const end = session.subscribe(({ status }) => seen.push(status))
  fake.logIn(alice)
  end()
  fake.expire()
  expect(seen).toEqual(['out', 'in'])
})
