import { requireLogin } from '@cloakroom/vue'
import { createRouter, createWebHistory } from 'vue-router'
import { session } from './session'
import LoginView from './views/LoginView.vue'
import OrdersView from './views/OrdersView.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', redirect: '/orders' },
    { path: '/orders', component: OrdersView },
    { path: '/login', name: 'login', component: LoginView, meta: { public: true } },
  ],
})

router.beforeEach(requireLogin(session, { public: (to) => to.meta.public, loginRoute: 'login' }))

// Somebody whose session ends while the page is open is shown the login, too.
session.onChange(({ status }, reason) => {
  if (status === 'out' && reason !== 'init') void router.replace({ ...router.currentRoute.value, force: true })
})
