import { fakeSession } from '@cloakroom/client/testing'
import * as pinia4 from 'pinia'
import * as pinia3 from 'pinia3'
import { computed, createSSRApp, nextTick, ref, shallowRef, watch } from 'vue'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { resetOnLogout } from '../src/index.js'
import { alice, bob } from './claims.js'

const versions = [['pinia 4', pinia4], ['pinia 3', pinia3 as unknown as typeof pinia4]] as const
// pinia reads it whenever it makes a store: what a bundler puts in its place at build.
const builds = ['development', 'production'] as const

describe.each(versions.flatMap(([name, pinia]) => builds.map((build) => ({ name, build, pinia }))))(
  '$name, $build',
  ({ build, pinia: { createPinia, defineStore } }) => {
    const complaints: string[] = []
    beforeEach(() => {
      vi.stubEnv('NODE_ENV', build)
      vi.spyOn(console, 'error').mockImplementation((text) => void complaints.push(String(text)))
      complaints.length = 0
    })
    afterEach(() => {
      vi.unstubAllEnvs()
      vi.restoreAllMocks()
    })

    const useCart = defineStore('cart', { state: () => ({ items: [] as string[], since: null as Date | null }) })

    const useProfile = defineStore('profile', () => {
      const name = ref('')
      const hidden = ref('') // not returned: no snapshot of the store would hold it
      return {
        name,
        secret: computed(() => hidden.value),
        learn: (word: string) => void (hidden.value = word),
        $reset() {
          name.value = hidden.value = ''
        },
      }
    })

    const useStubborn = defineStore('stubborn', () => ({ user: ref('nobody') }))

    function begin() {
      const fake = fakeSession({ claims: alice })
      const pinia = createPinia()
      createSSRApp({}).use(pinia)
      return { fake, pinia }
    }

    test('option stores and setup stores, made before and after, are as new', () => {
      const { fake, pinia } = begin()
      const cart = useCart(pinia)
      resetOnLogout(fake.session, { pinia })
      const profile = useProfile(pinia)
      cart.items.push('umbrella')
      cart.since = new Date()
      profile.name = 'Alice'
      profile.learn('curious')
      fake.logOutElsewhere()
      expect(cart.$state).toEqual({ items: [], since: null })
      expect([profile.name, profile.secret]).toEqual(['', ''])
      expect(complaints).toEqual([])
    })

    test('rule 9: the stores are reset before another user is published', () => {
      const { fake, pinia } = begin()
      const cart = useCart(pinia)
      resetOnLogout(fake.session, { pinia })
      cart.items.push('umbrella')
      const seen: unknown[] = []
      fake.session.onChange(({ claims }) => seen.push([claims?.sub, [...cart.items]]))
      fake.switchTo(bob)
      expect(seen).toEqual([['bob', []]])
    })

    test('rule 10: an expired session resets nothing, and neither does the login of the same user', () => {
      const { fake, pinia } = begin()
      const cart = useCart(pinia)
      resetOnLogout(fake.session, { pinia })
      cart.items.push('umbrella')
      fake.expire()
      fake.logIn(alice)
      expect(cart.items).toEqual(['umbrella'])
      fake.expire()
      fake.logIn(bob)
      expect(cart.items).toEqual([])
    })

    test('a store that is as new already, or has no state, is no fault', () => {
      const { fake, pinia } = begin()
      useCart(pinia)
      useProfile(pinia)
      defineStore('helpers', { actions: { help: () => 42 } })(pinia)
      resetOnLogout(fake.session, { pinia })
      fake.logOutElsewhere()
      expect(fake.session.snapshot.status).toBe('out')
    })

    test.each(['before', 'after'])('a setup store without $reset, made %s, is named; nothing is published', async (when) => {
      const { fake, pinia } = begin()
      if (when === 'before') useStubborn(pinia)
      resetOnLogout(fake.session, { pinia })
      const stubborn = useStubborn(pinia)
      stubborn.user = 'Alice'
      await nextTick()
      const advice = 'pinia store "stubborn" cannot be reset: return a $reset() from its setup'
      expect(complaints).toEqual(build === 'development' ? [advice] : [])
      expect(() => fake.logOutElsewhere()).toThrow(/stubborn.*\$reset\(\)/)
      expect(fake.session.snapshot.claims, 'the page still shows her, and reloads').toEqual(alice)
    })

    test('a $reset that a plugin gives to setup stores counts, in whatever order', async () => {
      const { fake, pinia } = begin()
      resetOnLogout(fake.session, { pinia })
      pinia.use(({ store }) => {
        const { user } = store.$state
        if (user) store.$reset = () => store.$patch((state) => void (state['user'] = user))
      })
      const stubborn = useStubborn(pinia)
      stubborn.user = 'Alice'
      await nextTick()
      fake.logOutElsewhere()
      expect(stubborn.user).toBe('nobody')
      expect(complaints).toEqual([])
    })

    test('what a store left, or the server rendered, waits for no other user', () => {
      const { fake, pinia } = begin()
      resetOnLogout(fake.session, { pinia })
      const cart = useCart(pinia)
      cart.items.push('umbrella')
      cart.$dispose()
      pinia.state.value['profile'] = { name: 'Alice' }
      fake.switchTo(bob)
      expect(useCart(pinia).items).toEqual([])
      expect(useProfile(pinia).name).toBe('')
    })

    test('watchers of a store hear of it at once', () => {
      const { fake, pinia } = begin()
      const cart = useCart(pinia)
      resetOnLogout(fake.session, { pinia })
      cart.items.push('umbrella')
      const shown = shallowRef('')
      watch(() => cart.items.join(), (items) => (shown.value = items), { flush: 'sync', immediate: true })
      expect(shown.value).toBe('umbrella')
      fake.logOutElsewhere()
      expect(shown.value).toBe('')
    })

    test('it ends', () => {
      const { fake, pinia } = begin()
      const cart = useCart(pinia)
      const end = resetOnLogout(fake.session, { pinia })
      cart.items.push('umbrella')
      end()
      fake.logOutElsewhere()
      expect(cart.items).toEqual(['umbrella'])
    })
  },
)
