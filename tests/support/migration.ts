// The application of examples/migration: its login service and its API, its pages as built, and a server that puts
// them on one origin without a gateway, as they were before.
import { execFileSync } from 'node:child_process'
import { cp, readFile, symlink } from 'node:fs/promises'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { TestLoginService } from './login_service.ts'
import { buildPage } from './page.ts'
import { repository } from './programs.ts'
import { bodyOf, freePort, serve, temporaryFolder } from './servers.ts'
import type { TokenSource } from './source.ts'

export const example = join(repository, 'examples', 'migration')

/** Builds the front end as it is with an OpenID provider: the one of `after` without a login form. */
export async function buildPageForOidc(): Promise<string> {
  const root = await temporaryFolder()
  const after = join(example, 'after')
  await cp(after, root, { recursive: true, filter: (path) => !/\/(node_modules|tsconfig\.json|LoginView\.vue)$/.test(path) })
  execFileSync('git', ['apply', '-p0', join(example, 'oidc.diff')], { cwd: root })
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'))
  return buildPage(root)
}

/** The login service, which also answers for nothing else. */
export async function startService(accessTokenLifetime: number): Promise<{ service: TestLoginService, port: number }> {
  const port = await freePort()
  const service = new TestLoginService({ port, publicUrl: '', also: [], accessTokenLifetime })
  await service.start()
  return { service, port }
}

/** An API that keeps everybody's orders apart and wants a bearer token. Gives its port. */
export async function startOrders(source: TokenSource): Promise<number> {
  const orders = new Map<string, { id: number, item: string }[]>()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    const subject = token && (await source.verify(token))?.sub
    const own = orders.get(subject ?? '') ?? [{ id: 1, item: 'tea' }]
    if (!subject) return json(response, 401, { error: 'no good token' })
    if (request.method !== 'POST') return json(response, 200, own)
    const { item } = JSON.parse(await bodyOf(request)) as { item: string }
    orders.set(subject, [...own, { id: own.length + 1, item }])
    return json(response, 200, { id: own.length + 1, item })
  }
  const { port } = await serve((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  return port
}

/** Serves a front end, with its service and its API behind the same origin and nothing between. Gives the URL. */
export async function servePage(site: string, service: number, orders: number): Promise<string> {
  const { port } = await serve((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname
    if (path.startsWith('/account/')) pass(request, response, service)
    else if (path.startsWith('/api/')) pass(request, response, orders)
    else void sendFile(response, site, path)
  })
  return `http://localhost:${port}`
}

function pass(incoming: IncomingMessage, response: ServerResponse, port: number): void {
  const { url, method, headers } = incoming
  const outgoing = request({ host: '127.0.0.1', port, path: url, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  outgoing.on('error', () => response.writeHead(502).end())
  incoming.pipe(outgoing)
}

async function sendFile(response: ServerResponse, site: string, path: string): Promise<void> {
  const types: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css' }
  const type = types[extname(path)]
  const content = await readFile(join(site, type ? path : 'index.html'))
  response.writeHead(200, { 'content-type': type ?? 'text/html' }).end(content)
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
