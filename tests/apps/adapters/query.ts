import { QueryClient } from '@tanstack/query-core'
import { session } from './session.js'

class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number

  constructor(answer: Response) {
    super(`${answer.url} answered ${answer.status}`)
    this.status = answer.status
  }
}

export async function fetchJson(path: string, init?: RequestInit): Promise<unknown> {
  const answer = await session.fetch(path, init)
  if (!answer.ok) throw new HttpError(answer)
  return answer.json()
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Where an answer will not change by asking again, it is an error at once.
      retry: (times, error) => times < 3 && !(error instanceof HttpError && error.status < 500),
    },
  },
})

session.onReset(() => {
  // `clear()` takes away what is kept; what is on the screen it leaves there.
  queryClient.getQueryCache().getAll().forEach((query) => query.reset())
  queryClient.removeQueries({ type: 'inactive' })
  queryClient.getMutationCache().clear()
})

session.onChange(({ status }, reason) => {
  if (status === 'in' && reason !== 'init' && reason !== 'refresh') void queryClient.refetchQueries({ type: 'active' })
})
