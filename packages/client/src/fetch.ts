// `fetch` with the session: marked answers are acted upon, everything else is as the browser has it.
import { SessionError } from './error.js'
import type { Mark } from './wire.js'

export interface FetchParts {
  /** Origins beside the page's own that get cookie and CSRF header. */
  readonly apiOrigins: readonly string[]
  /** Whose data the page may hold. */
  readonly owner: () => string | null
  readonly sign: (request: Request) => Promise<void>
  readonly refresh: (sentAt: number, mayFollow: boolean) => Promise<boolean>
  readonly ensureFresh: () => Promise<boolean>
  /** Acts upon a mark that no repetition answers. */
  readonly heed: (mark: Mark) => Promise<unknown>
}

/** How often a request is repeated after a refresh (rule 5). */
const REPETITIONS = 2

export function createFetch(parts: FetchParts): typeof fetch {
  return async (input, init) => {
    // On a server.
    if (!globalThis.document) return fetch(input, init)
    const own = [location.origin, ...parts.apiOrigins]
    const stream = init?.body instanceof ReadableStream
    // Where it cannot, the browser sends the text `[object ReadableStream]`.
    if (stream && !('duplex' in Request.prototype)) throw new SessionError('stream', 'send a Blob')
    let request = new Request(input, init)
    const { origin } = new URL(request.url)
    if (!own.includes(origin)) return fetch(request)
    if (origin !== location.origin && request.credentials !== 'omit') {
      request = new Request(request, { credentials: 'include' })
    }
    const owner = parts.owner()
    /** After a reset nothing of the user before is sent or answered: it would be the next one's. */
    const stay = (): void => {
      if (owner && owner !== parts.owner()) throw new DOMException('another user', 'AbortError')
    }
    if (stream) await parts.ensureFresh()
    await parts.sign(request)
    // A stream is read but once; a clone would keep all of it in memory.
    for (let left = stream ? 0 : REPETITIONS; ; left -= 1) {
      stay()
      const again = left ? request.clone() : undefined
      const sentAt = performance.now()
      const answer = await fetch(request)
      // Whoever it was redirected to has no say.
      const ours = own.includes(new URL(answer.url, request.url).origin)
      const mark = ours && (answer.headers.get('Cloakroom-Session') as Mark | null)
      if (mark === 'expired' && again && (await orAborted(parts.refresh(sentAt, left === REPETITIONS), request.signal))) {
        request = again
        continue
      }
      if (mark) await parts.heed(mark)
      else stay()
      return answer
    }
  }
}

/** Whoever gives up waits no longer, though the refresh goes on for the others. The signal must be of one request. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject)
    signal.onabort = () => reject(signal.reason)
  })
}
