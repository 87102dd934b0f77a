// On a server: there is no page, and many requests at once.
import { createSession, type Session } from '@cloakroom/client'
import { fakeSession } from '@cloakroom/client/testing'
import { createSSRApp } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { createMemoryHistory, createRouter } from 'vue-router'
import { afterEach, expect, test, vi } from 'vitest'
import { requireLogin, sessionPlugin } from '../src/index.js'
import { alice } from './claims.js'
import { Page } from './page.js'

afterEach(() => vi.restoreAllMocks())

const render = (session: Session) => renderToString(createSSRApp(Page).use(sessionPlugin(session)))

test('a server renders a session that it does not know, and asks nobody', async () => {
  const asked = vi.spyOn(globalThis, 'fetch')
  const session = createSession()
  expect(await render(session)).toBe('<main data-status="unknown">Welcome</main>')
  expect((await session.ready()).status).toBe('unknown')
  expect(await render(session)).toBe('<main data-status="unknown">Welcome</main>')
  expect(asked).not.toHaveBeenCalled()
})

test('requests share no session', async () => {
  const [one, other] = [fakeSession({ claims: alice }), fakeSession()]
  expect(await Promise.all([one, other, one].map(({ session }) => render(session)))).toEqual([
    '<main data-status="in">Hello Alice</main>',
    '<main data-status="out">Welcome</main>',
    '<main data-status="in">Hello Alice</main>',
  ])
})

test('the guard lets a server render every page', async () => {
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/orders', component: Page }] })
  router.beforeEach(requireLogin(createSession()))
  await router.push('/orders')
  expect(router.currentRoute.value.path).toBe('/orders')
})
