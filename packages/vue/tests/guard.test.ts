// @vitest-environment happy-dom
import { fakeSession } from '@cloakroom/client/testing'
import { createApp, h } from 'vue'
import * as router5 from 'vue-router'
import * as router4 from 'vue-router4'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { requireLogin, type GuardOptions } from '../src/index.js'
import { alice } from './claims.js'

beforeEach(() => history.replaceState(null, '', '/'))

const page = { render: () => h('p') }
const routes = [
  { path: '/', component: page },
  { path: '/orders/:id', component: page },
  { path: '/about', component: page, meta: { public: true } },
  { path: '/login', name: 'login', component: page },
  { path: '/trouble', name: 'trouble', component: page },
  { path: '/:rest(.*)*', component: page },
]

describe.each([
  ['vue-router 5', router5],
  ['vue-router 4', router4 as unknown as typeof router5],
])('%s', (_, { createRouter, createWebHistory, createWebHashHistory, createMemoryHistory }) => {
  function open(options: GuardOptions, fake = fakeSession(), routerHistory = createMemoryHistory()) {
    const router = createRouter({ history: routerHistory, routes })
    router.beforeEach(requireLogin(fake.session, options))
    router.onError(() => {})
    return { router, fake, path: () => router.currentRoute.value.fullPath }
  }

  test('who is logged in goes on, who is not leaves the page for the login', async () => {
    const { router, fake, path } = open({}, fakeSession({ claims: alice }))
    await router.push('/orders/7?all=1#last')
    expect(path()).toBe('/orders/7?all=1#last')
    expect(fake.logins).toEqual([])
    fake.expire()
    await router.push('/orders/8')
    expect(path(), 'the page that stays is where it was').toBe('/orders/7?all=1#last')
    expect(fake.logins).toEqual([{ returnTo: '/orders/8' }])
  })

  test('it waits for the first answer', async () => {
    const { router, fake, path } = open({}, fakeSession({ status: 'unknown' }))
    const navigation = router.push('/orders/7')
    await new Promise((resolve) => setTimeout(resolve))
    expect(path()).toBe('/')
    fake.logIn(alice)
    await navigation
    expect(path()).toBe('/orders/7')
  })

  test('rule 10: an expired session leads to the login at the next navigation, not before', async () => {
    const { router, fake, path } = open({ loginRoute: 'login' }, fakeSession({ claims: alice }))
    await router.push('/orders/7')
    fake.expire()
    expect(path()).toBe('/orders/7')
    await router.push('/orders/8?all=1')
    expect(router.currentRoute.value).toMatchObject({ name: 'login', query: { returnTo: '/orders/8?all=1' } })
    expect(fake.logins).toEqual([])
  })

  test('who will not wait for the next navigation lets the guard look again', async () => {
    const { router, fake, path } = open({ loginRoute: 'login' }, fakeSession({ claims: alice }))
    await router.push('/orders/7')
    await router.replace({ ...router.currentRoute.value, force: true })
    expect(path()).toBe('/orders/7')
    fake.expire()
    await router.replace({ ...router.currentRoute.value, force: true })
    expect(router.currentRoute.value).toMatchObject({ name: 'login', query: { returnTo: '/orders/7' } })
  })

  test('rule 11: public routes, the login and the trouble ask nobody', async () => {
    const fake = fakeSession({ status: 'unknown' })
    fake.unreachable = true
    const ready = vi.spyOn(fake.session, 'ready')
    const { router, path } = open({ public: (to) => to.meta['public'], loginRoute: 'login', errorRoute: 'trouble' }, fake)
    for (const open of ['/about', '/login', '/trouble']) {
      await router.push(open)
      expect(path()).toBe(open)
    }
    expect(ready).not.toHaveBeenCalled()
  })

  test('a route without a name is no login route', async () => {
    const { router, fake } = open({})
    await router.push('/orders/7')
    expect(fake.logins).toEqual([{ returnTo: '/orders/7' }])
  })

  test('rule 11: with a dead network the navigation fails once, and nobody is sent to log in', async () => {
    const fake = fakeSession({ status: 'unknown' })
    fake.unreachable = true
    const ready = vi.spyOn(fake.session, 'ready')
    const { router, path } = open({ loginRoute: 'login' }, fake)
    const failures: unknown[] = []
    router.onError((error) => failures.push(error))
    await expect(router.push('/orders/7')).rejects.toMatchObject({ name: 'SessionError', reason: 'unreachable' })
    expect(failures).toHaveLength(1)
    expect(ready).toHaveBeenCalledTimes(1)
    expect(path()).toBe('/')
    expect(fake.logins).toEqual([])

    fake.unreachable = false
    fake.logIn(alice)
    await router.push('/orders/7')
    expect(path()).toBe('/orders/7')
  })

  test('rule 11: or it leads to the route for trouble, which knows where it was going', async () => {
    const fake = fakeSession({ status: 'unknown' })
    fake.unreachable = true
    const ready = vi.spyOn(fake.session, 'ready')
    const { router, path } = open({ errorRoute: 'trouble' }, fake)
    await router.push('/orders/7')
    expect(path()).toBe('/trouble')
    expect(router.currentRoute.value.redirectedFrom?.fullPath).toBe('/orders/7')
    expect(ready).toHaveBeenCalledTimes(1)
    expect(fake.logins).toEqual([])
  })

  test('on a server everything passes', async () => {
    const fake = fakeSession({ status: 'unknown' })
    vi.spyOn(fake.session, 'ready').mockImplementation(async () => fake.session.snapshot)
    const { router, path } = open({}, fake)
    await router.push('/orders/7')
    expect(path()).toBe('/orders/7')
  })

  test.each([
    ['a base', () => createWebHistory('/shop/'), '/orders/7?all=1#last', '/shop/orders/7?all=1#last'],
    ['hash history', () => createWebHashHistory(), '/orders/7?all=1', '/#/orders/7?all=1'],
    ['hash history in a folder', () => createWebHashHistory('/shop/'), '/orders/7', '/shop/#/orders/7'],
    ['letters to escape', () => createWebHistory(), '/orders/ä b?q=ü', '/orders/%C3%A4%20b?q=%C3%BC'],
    ['another host', () => createWebHistory(), '//evil.example/x', '/x'],
    ['another host behind dots', () => createWebHistory(), '/.//evil.example/x', '/evil.example/x'],
    ['another host behind a backslash', () => createWebHistory(), '/.\\\\evil.example/x', '/evil.example/x'],
  ])('the way back is a path of this origin: %s', async (_, history_, target, returnTo) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    if (returnTo.startsWith('/shop/#')) history.replaceState(null, '', '/shop/')
    const { router, fake } = open({}, fakeSession(), history_())
    await router.push(target)
    expect(fake.logins).toEqual([{ returnTo }])
  })

  test('with an application around it, from its first page to the login and back', async () => {
    history.replaceState(null, '', '/orders/7')
    const { router, fake, path } = open({ loginRoute: 'login' }, fakeSession(), createWebHistory())
    const app = createApp({ render: () => h('div') }).use(router)
    app.mount(document.createElement('div'))
    await router.isReady()
    expect(path()).toBe('/login?returnTo=/orders/7')
    fake.logIn(alice)
    await router.push(String(router.currentRoute.value.query['returnTo']))
    expect(path()).toBe('/orders/7')
    app.unmount()
  })
})
