// An application with everything that @cloakroom/vue works with, as its users would write it; but it shows in plain
// words all that it holds, and hands its parts to the tests.
import { createSession } from '@cloakroom/client'
import { requireLogin, resetOnLogout, sessionPlugin, useSession } from '@cloakroom/vue'
import { QueryClient, useQuery, VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { computed, createApp, defineComponent, h } from 'vue'
import { createRouter, createWebHashHistory, createWebHistory, RouterView, useRouter } from 'vue-router'
import { useCart, useNotes, useStubborn, vuex, wishes } from './stores.ts'

const session = createSession()
const pinia = createPinia()
const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } })

const Order = defineComponent({
  setup() {
    const { claims, loggedIn, login, logout } = useSession()
    const [cart, notes] = [useCart(), useNotes()]
    const { data } = useQuery({
      queryKey: ['orders'],
      queryFn: async () => (await (await session.fetch('/api/orders')).json()) as { subject: string },
    })
    const orders = computed(() => data.value && `orders of ${data.value.subject}`)
    return () => [
      h('p', { id: 'state' }, loggedIn.value ? `logged in as ${claims.value?.name}` : 'logged out'),
      h('p', { id: 'held' }, [cart.items, notes.text, vuex.state.wishes?.list, orders.value].flat().filter(Boolean).join(', ')),
      h('button', { id: 'login', onClick: () => login() }, 'Log in'),
      h('button', { id: 'logout', onClick: () => void logout() }, 'Log out'),
    ]
  },
})

const Trouble = defineComponent({
  setup() {
    const router = useRouter()
    const again = () => router.replace(router.currentRoute.value.redirectedFrom ?? '/')
    return () => [h('p', 'nobody can tell who is logged in'), h('button', { onClick: again }, 'Try again')]
  },
})

// The same pages under both ways to write addresses.
const inHash = location.pathname.startsWith('/hash/')
const router = createRouter({
  history: inHash ? createWebHashHistory('/hash/') : createWebHistory(),
  routes: [
    { path: '/', component: { render: () => h('p', 'welcome') }, meta: { public: true } },
    { path: '/orders/:id', component: Order },
    { path: '/trouble', name: 'trouble', component: Trouble },
  ],
})
router.beforeEach(requireLogin(session, { public: (to) => to.meta['public'], errorRoute: 'trouble' }))
vuex.registerModule('wishes', wishes)
resetOnLogout(session, { pinia, vuex, queryClient })

createApp({ render: () => h(RouterView) })
  .use(sessionPlugin(session))
  .use(pinia)
  .use(vuex)
  .use(VueQueryPlugin, { queryClient })
  .use(router)
  .mount('#app')

/** Puts this into every store. */
function fill(text: string): void {
  useCart(pinia).items.push(`cart of ${text}`)
  useNotes(pinia).text = `notes of ${text}`
  vuex.commit('wishes/add', `wishes of ${text}`)
}

const parts = { session, router, fill, stubborn: () => (useStubborn(pinia).text = 'Alice was here') }
Object.assign(window, { parts })
export type Parts = typeof parts
