// TanStack Query: nothing under way, nothing kept, nothing shown.
import type { Session } from '@cloakroom/client'

/** What is used of a query client. */
export interface QueryClientLike {
  getMutationCache(): { clear(): void }
  getQueryCache(): { getAll(): { reset(): void }[] }
  refetchQueries(filters: { type: 'active' }): Promise<void>
  removeQueries(filters: { type: 'inactive' }): void
}

export function resetQueries(
  session: Pick<Session<unknown>, 'onChange' | 'onReset'>,
  client: QueryClientLike,
): () => void {
  return session.onReset(() => {
    // Ends what is under way. Taken out of the cache alone, it would stay on the screen in components that are mounted.
    client.getQueryCache().getAll().forEach((query) => query.reset())
    client.removeQueries({ type: 'inactive' })
    client.getMutationCache().clear()
    const end = session.onChange(({ status }) => {
      if (status !== 'in') return
      end()
      void client.refetchQueries({ type: 'active' })
    })
  })
}
