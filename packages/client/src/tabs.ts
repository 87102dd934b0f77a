// The other tabs of this browser, and the times at which this one may have missed something (rules 8 and 9).
import { HINT } from './hint.js'
import type { News } from './wire.js'

export interface TabEvents {
  /** Another tab tells something. */
  readonly news: (news: News) => void
  /** Another tab has changed the hint, or all storage was cleared. */
  readonly hint: () => void
  /** The page can be seen again. */
  readonly visible: () => void
  /** The page is put aside for the way back. */
  readonly aside: () => void
  /** The page is back as it was when it was put aside. */
  readonly back: () => void
}

export interface Tabs {
  readonly tell: (news: News) => void
  readonly dispose: () => void
}

export function createTabs(name: string, on: TabEvents): Tabs {
  const ending = new AbortController()
  const channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)
  if (channel) channel.onmessage = ({ data }: MessageEvent<News>) => on.news(data)

  type Events = WindowEventMap & Pick<DocumentEventMap, 'visibilitychange'>
  function listen<T extends keyof Events>(type: T, listener: (event: Events[T]) => void): void {
    addEventListener(type, listener as EventListener, ending)
  }
  listen('storage', ({ key }) => {
    if (!key || key === HINT) on.hint()
  })
  listen('visibilitychange', () => {
    if (!document.hidden) on.visible()
  })
  listen('pagehide', ({ persisted }) => {
    if (persisted) on.aside()
  })
  listen('pageshow', ({ persisted }) => {
    if (persisted) on.back()
  })

  return {
    tell: (news) => channel?.postMessage(news),
    dispose() {
      ending.abort()
      channel?.close()
    },
  }
}
