// `fetch` with the session: marked answers are acted upon, everything else is as the browser has it.
import { SessionError } from './error.js'
import { markOf } from './endpoints.js'

export interface FetchParts {
  /** Origins beside the page's own that get cookie and CSRF header. */
  readonly apiOrigins: readonly string[]
  readonly sign: (request: Request) => Promise<void>
  readonly refresh: (sentAt: number) => Promise<boolean>
  readonly ensureFresh: () => Promise<boolean>
  /** The gateway knows no session for a request. */
  readonly lost: () => Promise<unknown>
  /** An application's own request has begun a session. */
  readonly began: () => Promise<unknown>
  /** An application's own request has ended the session. */
  readonly ended: () => void
}

/** How often a request is repeated after a refresh (rule 5). */
const REPETITIONS = 2

export function createFetch(parts: FetchParts): typeof fetch {
  const own = [location.origin, ...parts.apiOrigins.map((origin) => new URL(origin).origin)]
  const isOwn = (url: string): boolean => own.includes(new URL(url, document.baseURI).origin)

  return async (input, init) => {
    if (!isOwn(input instanceof Request ? input.url : String(input))) return fetch(input, init)
    const stream = init?.body instanceof ReadableStream
    if (stream) {
      // Where it cannot, the browser sends the text `[object ReadableStream]`.
      if (!('duplex' in Request.prototype)) throw new SessionError('stream', 'this browser cannot send a stream; send a Blob')
      await parts.ensureFresh()
    }
    let request = new Request(input, init)
    // To another origin of ours the cookie goes along only when asked for.
    if (!request.url.startsWith(`${location.origin}/`) && request.credentials === 'same-origin') {
      request = new Request(request, { credentials: 'include' })
    }
    await parts.sign(request)
    for (let repetitions = 0; ; repetitions += 1) {
      // A stream is read but once; a clone would keep all of it in memory.
      const again = stream || repetitions === REPETITIONS ? undefined : request.clone()
      const sentAt = performance.now()
      const answer = await fetch(request)
      const mark = isOwn(answer.url) && markOf(answer)
      if (mark === 'expired' && again) {
        if (await orAborted(parts.refresh(sentAt), request.signal)) {
          void answer.body?.cancel()
          request = again
          continue
        }
        await parts.lost()
      } else if (mark === 'login-required') {
        await parts.lost()
      } else if (mark === 'started') {
        await parts.began()
      } else if (mark === 'ended') {
        parts.ended()
      }
      return answer
    }
  }
}


/** Whoever gives up waits no longer, though the refresh goes on for the others. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  ])
}
