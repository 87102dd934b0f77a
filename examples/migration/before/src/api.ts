import axios, { type AxiosError, type InternalAxiosRequestConfig } from 'axios'
import { router } from './router'
import { useAuth } from './stores/auth'

interface Request extends InternalAxiosRequestConfig {
  retried?: boolean
}

interface Waiting {
  resolve: (token: string) => void
  reject: (error: unknown) => void
}

export const api = axios.create()

let refreshing = false
let queue: Waiting[] = []

api.interceptors.request.use((config) => {
  const { token } = useAuth()
  if (token) config.headers.Authorization = `Bearer ${token}`
  return config
})

api.interceptors.response.use(undefined, async (error: AxiosError) => {
  const request = error.config as Request | undefined
  if (error.response?.status !== 401 || !request || request.retried) throw error
  const auth = useAuth()
  if (!auth.refreshToken) throw error
  request.retried = true

  if (refreshing) {
    const token = await new Promise<string>((resolve, reject) => queue.push({ resolve, reject }))
    request.headers.Authorization = `Bearer ${token}`
    return api(request)
  }

  refreshing = true
  try {
    const token = await auth.refresh()
    queue.forEach(({ resolve }) => resolve(token))
    request.headers.Authorization = `Bearer ${token}`
    return await api(request)
  } catch (failure) {
    queue.forEach(({ reject }) => reject(failure))
    auth.forget()
    await router.push({ name: 'login', query: { returnTo: router.currentRoute.value.fullPath } })
    throw failure
  } finally {
    refreshing = false
    queue = []
  }
})
