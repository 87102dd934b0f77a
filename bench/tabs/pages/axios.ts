// axios-auth-refresh as its README shows it: an interceptor that adds the stored token, one that refreshes. By
// default, whoever meets a 401 during the refresh gets that 401; the page `axios-waiting.html` sets
// `deduplicateRefresh: false`, by which, against its name, they wait for the one refresh and are repeated
// (axios-auth-refresh 5.0.2, its issue 307).
import axios, { type AxiosError } from 'axios'
import { createAuthRefresh } from 'axios-auth-refresh'
import { offer } from './candidate.ts'
import { accessToken, logIn, loggedIn, refresh } from './tokens.ts'

const http = axios.create()

http.interceptors.request.use((request) => {
  request.headers.Authorization = `Bearer ${accessToken()}`
  return request
})

createAuthRefresh(http, async (failed: AxiosError) => {
  const token = await refresh()
  const config = failed.response?.config
  if (config) config.headers.Authorization = `Bearer ${token}`
}, { deduplicateRefresh: document.documentElement.dataset['deduplicate'] !== 'false' })

const ready = loggedIn()

offer({
  logIn,
  ready: () => ready,
  send: async (method, url, data) => (await http.request({ method, url, data })).status,
})
