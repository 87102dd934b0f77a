// The other tabs of this browser, and the times at which this one may have missed something (rules 8 and 9).
import type { News } from './wire.js'

interface TabEvents extends Pick<WindowEventMap, 'storage' | 'pagehide' | 'pageshow'> {
  visibilitychange: Event
  /** Another tab tells something. */
  news: MessageEvent<News>
}

export type TabListeners = { readonly [T in keyof TabEvents]: (event: TabEvents[T]) => void }

export interface Tabs {
  readonly tell: (news: News) => void
  readonly dispose: () => void
}

export function createTabs(name: string, { news, ...listeners }: TabListeners): Tabs {
  const ending = new AbortController()
  for (const [type, listener] of Object.entries(listeners)) addEventListener(type, listener as EventListener, ending)
  let channel: BroadcastChannel | undefined
  try {
    channel = new BroadcastChannel(name)
    channel.addEventListener('message', news, ending)
  } catch {
    // There is none, or it is forbidden together with all cookies (Firefox).
  }
  return {
    tell: (news) => channel?.postMessage(news),
    dispose: () => ending.abort(),
  }
}
