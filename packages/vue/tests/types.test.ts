// What the compiler says of the types. Without `npm run check` this file shows nothing.
import { createSession, type Session, type Snapshot } from '@cloakroom/client'
import { QueryClient } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createPinia as createPinia3 } from 'pinia3'
import { createApp, type ComputedRef } from 'vue'
import { createRouter } from 'vue-router'
import { createRouter as createRouter4 } from 'vue-router4'
import { createStore } from 'vuex'
import { expectTypeOf, test } from 'vitest'
import { requireLogin, resetOnLogout, sessionPlugin, useSession, type VueSession } from '../src/index.js'
import './claims.js'

interface Mine { readonly sub: string, readonly name: string, readonly roles: readonly string[] }

declare module 'vue-router' {
  interface RouteMeta { public?: boolean }
}

test('claims are those that the application registered', () => {
  expectTypeOf<VueSession['claims']>().toEqualTypeOf<ComputedRef<Mine | null>>()
  expectTypeOf(useSession).returns.toEqualTypeOf<VueSession>()
  expectTypeOf<VueSession['status']['value']>().toEqualTypeOf<'unknown' | 'in' | 'out'>()
  expectTypeOf<VueSession['snapshot']['value']>().toEqualTypeOf<Snapshot<Mine>>()
  expectTypeOf<VueSession['fetch']>().toEqualTypeOf<typeof fetch>()
  expectTypeOf<VueSession['login']>().toEqualTypeOf<Session['login']>()
  expectTypeOf<VueSession>().not.toHaveProperty('dispose')
})

test('the status narrows the claims', () => {
  const greet = ({ snapshot }: VueSession) => {
    if (snapshot.value.status === 'in') return expectTypeOf(snapshot.value.claims).toEqualTypeOf<Mine>()
    return expectTypeOf(snapshot.value.claims).toEqualTypeOf<null>()
  }
  expectTypeOf(greet).toBeFunction()
})

test('refs are for reading', () => {
  const misuse = ({ claims, snapshot }: VueSession, next: Snapshot) => {
    // @ts-expect-error only the session says who is logged in
    claims.value = null
    // @ts-expect-error
    snapshot.value = next
  }
  expectTypeOf(misuse).toBeFunction()
})

test('a session whose claims are not the registered ones does not pass', () => {
  const misuse = () => {
    createApp({}).use(sessionPlugin(createSession()))
    // @ts-expect-error it would make useSession lie
    createApp({}).use(sessionPlugin(createSession<{ id: number }>()))
  }
  expectTypeOf(misuse).toBeFunction()
})

test('guards fit both routers, with the route that theirs knows', () => {
  const use = (router: ReturnType<typeof createRouter>, router4: ReturnType<typeof createRouter4>, session: Session) => {
    router.beforeEach(requireLogin(session))
    router4.beforeEach(requireLogin(session, { loginRoute: 'login', errorRoute: Symbol('trouble') }))
    router4.beforeEach(requireLogin(session, { public: (to) => to.meta['public'] }))
    router.beforeEach(requireLogin(session, {
      public: (to) => {
        expectTypeOf(to.meta.public).toEqualTypeOf<boolean | undefined>()
        return to.meta.public
      },
    }))
    // @ts-expect-error a route's name, not a location
    requireLogin(session, { loginRoute: { path: '/login' } })
  }
  expectTypeOf(use).toBeFunction()
})

test('the real stores fit', () => {
  const use = (session: Session) => {
    const queryClient = new QueryClient()
    expectTypeOf(resetOnLogout(session, { pinia: createPinia(), vuex: createStore({}), queryClient }))
      .toEqualTypeOf<() => void>()
    resetOnLogout(session, { pinia: createPinia3() })
    resetOnLogout(session, { vuex: createStore<{ user: string }>({ state: () => ({ user: '' }) }) })
    // @ts-expect-error no such store
    resetOnLogout(session, { redux: {} })
    // @ts-expect-error a store and not another
    resetOnLogout(session, { vuex: createPinia() })
  }
  expectTypeOf(use).toBeFunction()
})
