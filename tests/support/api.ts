// The API behind the gateway: takes a bearer JWT, checks it as any API would that trusts its source, and
// remembers all that arrived.
import type { JWTPayload } from 'jose'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { WebSocketServer } from 'ws'
import { bytesOf, serve } from './servers.ts'
import type { TokenSource } from './source.ts'

/** A request as the API got it. */
export interface Arrival {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  bytes: Buffer
}

export class TestApi {
  /** Everything that arrived, upgrades included, in order. */
  readonly arrivals: Arrival[] = []
  url = ''

  readonly #source: TokenSource

  constructor(source: TokenSource) {
    this.#source = source
  }

  async start(): Promise<void> {
    const { port, server } = await serve((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
    this.url = `http://127.0.0.1:${port}`
    this.#serveWebSocket(server)
  }

  /** What has arrived at this path. */
  arrivalsAt(path: string): Arrival[] {
    return this.arrivals.filter((arrival) => arrival.path === path)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await bytesOf(request)
    const body = bytes.toString('utf8')
    const path = request.url ?? ''
    this.arrivals.push({ method: request.method ?? '', path, headers: request.headers, body, bytes })
    const claims = await this.#verify(request)
    if (!claims || (path.startsWith('/api/refused/') && this.arrivalsAt(path).length === 1)) {
      response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
    } else if (path === '/api/step-up') {
      // Another no of its own, which names what is wanted (RFC 9470).
      response.writeHead(401, { 'www-authenticate': 'Bearer error="insufficient_user_authentication", max_age="5"' }).end()
    } else if (path.startsWith('/api/moved?to=')) {
      response.writeHead(307, { location: path.slice('/api/moved?to='.length) }).end()
    } else if (path === '/api/never') {
      // Not until the caller has given up.
    } else if (path === '/api/forbidden') {
      // The API's own no, which has nothing to do with the session.
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"second factor"}')
    } else if (path === '/api/unsteady') {
      // Overloaded twice of three times.
      const times = this.arrivalsAt(path).length
      response.writeHead(times % 3 ? 503 : 200, { 'content-type': 'application/json' }).end(`{"times":${times}}`)
    } else if (path === '/api/events') {
      await sendEvents(response)
    } else {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ subject: claims.sub, method: request.method, path, body }))
    }
  }

  /** Echoes each message with the caller's name. */
  #serveWebSocket(server: Server): void {
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', (request, socket, head) => {
      this.arrivals.push({ method: 'UPGRADE', path: request.url ?? '', headers: request.headers, body: '', bytes: Buffer.alloc(0) })
      void this.#verify(request).then((claims) => {
        if (!claims) return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
        sockets.handleUpgrade(request, socket, head, (connection) => {
          connection.on('message', (data) => connection.send(`${claims.sub}: ${String(data)}`))
        })
      })
    })
  }

  async #verify(request: IncomingMessage): Promise<JWTPayload | undefined> {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    return token ? this.#source.verify(token) : undefined
  }
}

/** Three events with time between them: a proxy that buffers would bring them together. */
async function sendEvents(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  for (const number of [1, 2, 3]) {
    response.write(`data: ${number}\n\n`)
    await new Promise((resolve) => setTimeout(resolve, 400))
  }
  response.end()
}
