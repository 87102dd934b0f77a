// Vuex: a new state out of the functions that made the first one, modules registered later included.
import type { Session } from '@cloakroom/client'

/** What is used of a Vuex store. */
export interface VuexLike {
  replaceState(state: never): void
}

interface Module {
  readonly _rawModule: { state?: object | (() => object | undefined) }
  readonly _children: Record<string, Module>
}

export function resetVuex(session: Pick<Session<unknown>, 'onReset'>, store: VuexLike): () => void {
  // Vuex 4.1 is the last one: where it keeps its modules will not change.
  const { _modules: { root } } = store as unknown as { _modules: { root: Module } }
  initial(root)
  return session.onReset(() => store.replaceState(initial(root) as never))
}

function initial({ _rawModule: { state }, _children }: Module, path = 'root'): object {
  if (state && typeof state !== 'function') {
    throw Error(`vuex module "${path}" cannot be reset: make its state a function`)
  }
  const modules = Object.entries(_children).map(([name, module]) => [name, initial(module, `${path}/${name}`)])
  return Object.assign(state?.() ?? {}, Object.fromEntries(modules))
}
