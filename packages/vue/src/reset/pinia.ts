// pinia: every store's own `$reset()`, and no store without one.
import type { Session } from '@cloakroom/client'

/** What is used of pinia. */
export interface PiniaLike {
  readonly state: { value: Record<string, unknown> }
  use(plugin: (context: { store: StoreLike }) => void): unknown
}

/** What is used of its stores. */
export interface StoreLike {
  readonly $id: string
  $reset(): void
  $onAction(listener: (action: { name: string }) => void, detached: true): () => void
  $subscribe(listener: () => void, options: { flush: 'sync', detached: true }): () => void
}

export function resetPinia(session: Pick<Session<unknown>, 'onReset'>, pinia: PiniaLike): () => void {
  // All the stores there are; pinia has it since its first version and hides it from its types.
  const { _s: stores } = pinia as unknown as { _s: Map<string, StoreLike> }
  stores.forEach(warn)
  // A plugin that comes later may still bring a `$reset`.
  pinia.use(({ store }) => queueMicrotask(() => warn(store)))
  return session.onReset(() => {
    // What the server rendered, or a store that is gone, left for the next store of its name.
    for (const id in pinia.state.value) if (!stores.has(id)) delete pinia.state.value[id]
    stores.forEach(reset)
  })
}

/** In pinia's development build the `$reset` of a setup store without its own throws: its source says so. */
function warn(store: StoreLike): void {
  if (/setup syntax/.test(String(store.$reset))) console.error(complaint(store))
}

/** In pinia's production build it does nothing: a real one is an action, or patches, or changes something. */
function reset(store: StoreLike): void {
  let done = false
  const ends = [
    store.$onAction(({ name }) => (done ||= name === '$reset'), true),
    store.$subscribe(() => (done = true), { flush: 'sync', detached: true }),
  ]
  store.$reset()
  ends.forEach((end) => end())
  if (!done) throw Error(complaint(store))
}

function complaint({ $id }: StoreLike): string {
  return `pinia store "${$id}" cannot be reset: return a $reset() from its setup`
}
