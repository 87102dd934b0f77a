// Talks to the lab's two other pages, each in a frame on an origin of its own.

import type { FrameMessage, Outcome, RunRequest } from '../../shared/messages'

/** A page in a frame that runs attacks when asked to. */
export interface Frame {
  run: (request: Omit<RunRequest, 'kind' | 'id'>) => Promise<Outcome>
  dispose: () => void
}

const PATIENCE = 10_000

/** Connects to the page of `origin` in `element`. Messages of any other origin are ignored. */
export function connect(element: HTMLIFrameElement, origin: string): Frame {
  const waiting = new Map<string, (outcome: Outcome) => void>()
  let announce = () => {}
  const ready = new Promise<void>((resolve) => (announce = resolve))

  function listen({ origin: from, data }: MessageEvent) {
    if (from !== origin) return
    const message = data as FrameMessage
    if (message.kind === 'ready') announce()
    else waiting.get(message.id)?.(message.outcome)
  }
  addEventListener('message', listen)
  element.src = `${origin}/`

  return {
    async run(request) {
      const id = crypto.randomUUID()
      const outcome = new Promise<Outcome>((resolve, reject) => {
        waiting.set(id, resolve)
        setTimeout(() => reject(new Error(`${origin} does not answer`)), PATIENCE)
      })
      await Promise.race([ready, outcome])
      element.contentWindow?.postMessage({ ...request, kind: 'run', id } satisfies RunRequest, origin)
      return outcome.finally(() => waiting.delete(id))
    },
    dispose: () => removeEventListener('message', listen),
  }
}
