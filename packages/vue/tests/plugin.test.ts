// @vitest-environment happy-dom
import { fakeSession, type FakeSession } from '@cloakroom/client/testing'
import { createApp, h, inject, nextTick, type App, type Component } from 'vue'
import { afterEach, expect, test } from 'vitest'
import { sessionKey, sessionPlugin, useSession, type VueSession } from '../src/index.js'
import { alice, bob } from './claims.js'

const mounted: App[] = []
afterEach(() => mounted.splice(0).forEach((app) => app.unmount()))

function mount(component: Component, fake: FakeSession): { app: App, element: HTMLElement } {
  const app = createApp(component).use(sessionPlugin(fake.session))
  const element = document.createElement('div')
  app.mount(element)
  mounted.push(app)
  return { app, element }
}

/** What `useSession()` gives inside of an application. */
function used(fake: FakeSession): { app: App, session: VueSession } {
  let session: VueSession | undefined
  const { app } = mount({ setup: () => ((session = useSession()), () => null) }, fake)
  return { app, session: session! }
}

const Greeting: Component = {
  setup() {
    const { status, loggedIn, claims, sid, snapshot } = useSession()
    return () => h('p', {
      'data-status': status.value,
      'data-known': snapshot.value.status !== 'unknown',
      'data-sid': sid.value,
    }, loggedIn.value ? `Hello ${claims.value?.name}` : 'Nobody')
  },
}

test('a component follows the session', async () => {
  const fake = fakeSession({ status: 'unknown' })
  const { element } = mount(Greeting, fake)
  expect(element.innerHTML).toBe('<p data-status="unknown" data-known="false">Nobody</p>')
  fake.logIn(alice)
  await nextTick()
  expect(element.innerHTML).toBe('<p data-status="in" data-known="true" data-sid="fake-1">Hello Alice</p>')
  fake.switchTo(bob)
  await nextTick()
  expect(element.innerHTML).toBe('<p data-status="in" data-known="true" data-sid="fake-2">Hello Bob</p>')
  fake.expire()
  await nextTick()
  expect(element.innerHTML).toBe('<p data-status="out" data-known="true">Nobody</p>')
})

test('what a component does goes to the session of its application', async () => {
  const fake = fakeSession({ claims: alice, fetch: async (input) => Response.json({ asked: String(input) }) })
  const { login, logout, fetch, ensureFresh, ready, likelyLoggedIn } = used(fake).session
  expect(likelyLoggedIn).toBe(true)
  expect(await (await fetch('/api/orders')).json()).toEqual({ asked: '/api/orders' })
  expect(await ensureFresh()).toBe(true)
  login({ returnTo: '/orders' })
  expect(fake.logins).toEqual([{ returnTo: '/orders' }])
  await logout({ everywhere: true })
  expect(fake.logouts).toEqual([{ everywhere: true }])
  expect((await ready()).status).toBe('out')
})

test('each application has its own session', async () => {
  const [one, other] = [fakeSession({ claims: alice }), fakeSession()]
  const pages = [mount(Greeting, one), mount(Greeting, other)].map(({ element }) => element)
  expect(pages.map(({ textContent }) => textContent)).toEqual(['Hello Alice', 'Nobody'])
  other.logIn(bob)
  await nextTick()
  expect(pages.map(({ textContent }) => textContent)).toEqual(['Hello Alice', 'Hello Bob'])
})

test('an unmounted application listens no longer', () => {
  const fake = fakeSession()
  const { app, session } = used(fake)
  fake.logIn(alice)
  expect(session.status.value).toBe('in')
  app.unmount()
  mounted.length = 0
  fake.expire()
  expect(session.status.value).toBe('in')
})

test('outside of the plugin useSession says what is missing', () => {
  const app = createApp({ setup: () => (useSession(), () => null) })
  app.config.warnHandler = () => {}
  expect(() => app.mount(document.createElement('div'))).toThrow('app.use(sessionPlugin(session))')
})

test('the key is for whoever injects by hand', () => {
  const fake = fakeSession({ claims: alice })
  const { element } = mount({
    setup() {
      const session = inject(sessionKey)
      return () => h('p', session?.claims.value?.name)
    },
  }, fake)
  expect(element.textContent).toBe('Alice')
})
