// Each library's calls in one form, for the test to make.
import { CancelledError } from '@tanstack/query-core'
import { isAxiosError } from 'axios'
import { HTTPError } from 'ky'
import { FetchError } from 'ofetch'
import { api as axios } from './axios.js'
import { api as ky } from './ky.js'
import { api as ofetch } from './ofetch.js'
import { fetchJson, queryClient } from './query.js'
import { session } from './session.js'

/** What a library makes of a call: the answer's JSON, or its own kind of error. */
export interface Outcome {
  json?: unknown
  /** The name of the error that the library throws, and of the one behind it. */
  error?: string
  cause?: string
  /** The status that the error bears, and the answer's body where the library keeps it. */
  status?: number | undefined
  data?: unknown
  /** The reason of a SessionError that is behind it. */
  reason?: string
}

interface Library {
  get: (path: string, signal?: AbortSignal) => Promise<unknown>
  post: (path: string, body: object) => Promise<unknown>
  statusOf: (error: unknown) => Pick<Outcome, 'status' | 'data'>
}

const libraries: Record<string, Library> = {
  ky: {
    get: (path, signal) => ky(path, signal && { signal }).json(),
    post: (path, json) => ky.post(path, { json }).json(),
    statusOf: (error) => (error instanceof HTTPError ? { status: error.response.status, data: error.data } : {}),
  },
  ofetch: {
    get: (path, signal) => ofetch(path, signal && { signal }),
    post: (path, body) => ofetch(path, { method: 'POST', body }),
    statusOf: (error) => (error instanceof FetchError ? { status: error.status, data: error.data } : {}),
  },
  axios: {
    get: async (path, signal) => (await axios.get(path, signal && { signal })).data,
    post: async (path, body) => (await axios.post(path, body)).data,
    statusOf: (error) => (isAxiosError(error) ? { status: error.response?.status, data: error.response?.data } : {}),
  },
  query: {
    get: (path, signal) => {
      signal?.addEventListener('abort', () => void queryClient.cancelQueries({ queryKey: [path] }))
      const queryFn = (context: { signal: AbortSignal }) => fetchJson(path, { signal: context.signal })
      return queryClient.fetchQuery({ queryKey: [path], queryFn, staleTime: 0, retryDelay: 100 })
    },
    post: (path, body) => queryClient.getMutationCache()
      .build(queryClient, { mutationFn: (body: object) => fetchJson(path, { method: 'POST', body: JSON.stringify(body) }) })
      .execute(body),
    statusOf: (error) => ({ status: (error as { status?: number }).status }),
  },
}

function outcomeOf(library: string, answer: Promise<unknown>): Promise<Outcome> {
  return answer.then((json) => ({ json }), (error: Error) => {
    const { cause } = error as { cause?: Error }
    const { reason } = { ...cause, ...error } as { reason?: string }
    return {
      error: error instanceof CancelledError ? 'CancelledError' : error.name,
      ...(cause && { cause: cause.name }),
      ...libraries[library]?.statusOf(error),
      ...(reason && { reason }),
    }
  })
}

let controller = new AbortController()

export const calls = {
  get: (library: string, path: string) => outcomeOf(library, libraries[library]!.get(path)),
  post: (library: string, path: string, body: object) => outcomeOf(library, libraries[library]!.post(path, body)),
  getUntilAborted: (library: string, path: string) => {
    controller = new AbortController()
    return outcomeOf(library, libraries[library]!.get(path, controller.signal))
  },
  abort: () => controller.abort(),
}
Object.assign(window, { calls })

document.getElementById('login')?.addEventListener('click', () => session.login())
session.subscribe(({ status, claims }) => {
  const state = status === 'in' ? `logged in as ${claims.name}` : status === 'out' ? 'logged out' : 'unknown'
  document.getElementById('state')!.textContent = state
})
await session.ready()
