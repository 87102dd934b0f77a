// A store of each kind, each with room for what a user must not find of another one.
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { createStore, type Module } from 'vuex'

export const useCart = defineStore('cart', { state: () => ({ items: [] as string[] }) })

export const useNotes = defineStore('notes', () => {
  const text = ref('')
  return { text, $reset: () => void (text.value = '') }
})

/** It forgets to forget. */
export const useStubborn = defineStore('stubborn', () => ({ text: ref('') }))

interface Wishes { list: string[] }

export const wishes: Module<Wishes, unknown> = {
  namespaced: true,
  state: () => ({ list: [] }),
  mutations: { add: (state, wish: string) => void state.list.push(wish) },
}

export const vuex = createStore<{ wishes?: Wishes }>({ state: () => ({}), strict: true })
