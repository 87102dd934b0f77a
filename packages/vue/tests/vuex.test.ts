import { fakeSession } from '@cloakroom/client/testing'
import { expect, test } from 'vitest'
import { createStore, type Module } from 'vuex'
import { resetOnLogout } from '../src/index.js'
import { alice, bob } from './claims.js'

interface Cart { items: string[], since: Date | null }

const cart: Module<Cart, unknown> = {
  namespaced: true,
  state: () => ({ items: [], since: null }),
  getters: { count: ({ items }) => items.length },
  mutations: {
    add(state, item: string) {
      state.items.push(item)
      state.since = new Date()
    },
  },
}

function begin() {
  const fake = fakeSession({ claims: alice })
  const store = createStore({
    strict: true,
    state: () => ({ theme: 'light' }),
    mutations: { theme: (state, theme: string) => void (state.theme = theme) },
    modules: { shop: { namespaced: true, modules: { cart } } },
  })
  const end = resetOnLogout(fake.session, { vuex: store })
  return { fake, store, end }
}

const fresh = { items: [], since: null }

test('root, nested and dynamic modules are as new, each with a state of its own', () => {
  const { fake, store } = begin()
  store.registerModule('wishes', { ...cart, modules: { later: cart } })
  store.registerModule(['shop', 'gifts'], cart)
  store.commit('theme', 'dark')
  for (const name of ['shop/cart', 'wishes', 'wishes/later', 'shop/gifts']) store.commit(`${name}/add`, 'umbrella')
  expect(store.getters['wishes/count']).toBe(1)
  fake.logOutElsewhere()
  const empty = { theme: 'light', shop: { cart: fresh, gifts: fresh }, wishes: { ...fresh, later: fresh } }
  expect(store.state).toEqual(empty)
  expect(store.getters['wishes/count']).toBe(0)

  store.commit('shop/gifts/add', 'scarf')
  expect(store.state).toMatchObject({ shop: { cart: fresh, gifts: { items: ['scarf'] } } })
  expect(store.getters['shop/gifts/count']).toBe(1)
  store.unregisterModule('wishes')
  fake.logIn(alice)
  fake.switchTo(bob)
  expect(store.state).toEqual({ theme: 'light', shop: { cart: fresh, gifts: fresh } })
})

test('rule 9: the store is reset before another user is published', () => {
  const { fake, store } = begin()
  store.commit('shop/cart/add', 'umbrella')
  const seen: unknown[] = []
  fake.session.onChange(({ claims }) => seen.push([claims?.sub, store.getters['shop/cart/count']]))
  fake.switchTo(bob)
  expect(seen).toEqual([['bob', 0]])
})

test('a module whose state is an object is named at once', () => {
  const { session } = fakeSession()
  const store = (state: object) => createStore({ modules: { shop: { modules: { cart: { ...cart, state } } } } })
  expect(() => resetOnLogout(session, { vuex: store({ items: [] }) })).toThrow(
    'vuex module "root/shop/cart" cannot be reset: make its state a function',
  )
  expect(() => resetOnLogout(session, { vuex: createStore({ state: { user: '' } }) })).toThrow('"root"')
})

test('one that comes later is named at the reset; nothing is published', () => {
  const { fake, store } = begin()
  store.registerModule('late', { ...cart, state: { items: ['umbrella'], since: null } })
  expect(() => fake.logOutElsewhere()).toThrow('vuex module "root/late"')
  expect(fake.session.snapshot.claims).toEqual(alice)
})

test('it ends', () => {
  const { fake, store, end } = begin()
  store.commit('shop/cart/add', 'umbrella')
  end()
  fake.logOutElsewhere()
  expect(store.getters['shop/cart/count']).toBe(1)
})
