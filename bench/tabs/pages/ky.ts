// A single flight by hand, as it is written around ky: whoever meets a 401 waits for the tab's one refresh and
// repeats its request.
import ky from 'ky'
import { offer } from './candidate.ts'
import { accessToken, logIn, loggedIn, refresh } from './tokens.ts'

let refreshing: Promise<string> | undefined

const http = ky.create({
  hooks: {
    beforeRequest: [({ request }) => request.headers.set('Authorization', `Bearer ${accessToken()}`)],
    afterResponse: [async ({ request, response, retryCount }) => {
      if (response.status !== 401 || retryCount > 0) return response
      refreshing ??= refresh().finally(() => { refreshing = undefined })
      const headers = new Headers(request.headers)
      headers.set('Authorization', `Bearer ${await refreshing}`)
      return ky.retry({ request: new Request(request, { headers }), delay: 0 })
    }],
  },
})

const ready = loggedIn()

offer({
  logIn,
  ready: () => ready,
  send: async (method, path, body) => (await http(path, { method, ...(body ? { body } : {}) })).status,
})
