import axios from 'axios'
import { defineStore } from 'pinia'
import { api } from '../api'
import { router } from '../router'
import { useOrders } from './orders'

interface User {
  name: string
}

interface Tokens {
  token: string
  refreshToken: string
  user: User
}

export const useAuth = defineStore('auth', {
  state: () => ({
    token: localStorage.getItem('token'),
    refreshToken: localStorage.getItem('refreshToken'),
    user: JSON.parse(localStorage.getItem('user') ?? 'null') as User | null,
  }),

  getters: {
    loggedIn: (state) => state.token !== null,
  },

  actions: {
    async login(name: string, password: string): Promise<void> {
      const { data } = await axios.post('/account/login', { name, password })
      this.remember(data.data)
    },

    async refresh(): Promise<string> {
      // Without the interceptors, whose 401 brought us here.
      const { data } = await axios.post('/account/refresh', { refreshToken: this.refreshToken })
      this.remember(data.data)
      return data.data.token
    },

    async logout(): Promise<void> {
      await api.post('/account/logout').catch(() => undefined)
      this.forget()
      useOrders().$reset()
      await router.push({ name: 'login' })
    },

    remember({ token, refreshToken, user }: Tokens): void {
      this.token = token
      this.refreshToken = refreshToken
      this.user = user
      localStorage.setItem('token', token)
      localStorage.setItem('refreshToken', refreshToken)
      localStorage.setItem('user', JSON.stringify(user))
    },

    forget(): void {
      this.token = null
      this.refreshToken = null
      this.user = null
      localStorage.removeItem('token')
      localStorage.removeItem('refreshToken')
      localStorage.removeItem('user')
    },
  },
})
