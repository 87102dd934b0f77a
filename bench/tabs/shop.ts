// The shop that the candidates are measured in: one provider and one API for all; the gateway for Cloakroom's pages,
// and a server without any gateway for those that keep their tokens themselves.
import { readFile } from 'node:fs/promises'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { basename, extname, join } from 'node:path'
import { build } from 'vite'
import { TestApi } from '../../tests/support/api.ts'
import { Gateway } from '../../tests/support/gateway.ts'
import { modes } from '../../tests/support/kinds.ts'
import { TestProvider } from '../../tests/support/provider.ts'
import { freePort, serve, temporaryFolder } from '../../tests/support/servers.ts'
import { candidates } from './candidates.ts'

export interface Shop {
  provider: TestProvider
  /** Where the pages of these candidates are served. */
  urls: { gateway: string, plain: string }
}

/** Milliseconds by which the provider's answer to a refresh is late: a short way through the internet. */
export const refreshDelay = 100

/** Starts all of it; it ends with the test. */
export async function openShop(): Promise<Shop> {
  const site = await temporaryFolder()
  const root = join(import.meta.dirname, 'pages')
  const input = ['index.html', ...candidates.map(({ page }) => page)].map((page) => join(root, page))
  await build({ root, logLevel: 'error', build: { outDir: site, target: 'esnext', rolldownOptions: { input } } })

  const gatewayPort = await freePort()
  const gateway = `http://localhost:${gatewayPort}`
  const plainPort = await freePort()
  const plain = `http://localhost:${plainPort}`
  const redirectUris = candidates.map(({ page }) => `${plain}/${page}`)
  const publicClient = { id: 'shop-page', redirectUris }
  const accessTokenLifetime = 600
  const source = { port: await freePort(), publicUrl: gateway, also: [], accessTokenLifetime }
  const provider = new TestProvider(source, publicClient)
  provider.refreshDelay = refreshDelay
  await provider.start()
  const api = new TestApi(provider)
  await api.start()

  const settings = JSON.stringify({ issuer: provider.issuer, clientId: publicClient.id })
  await serve((request, response) => {
    const { pathname } = new URL(request.url ?? '', plain)
    if (pathname.startsWith('/api/')) return relay(request, response, api.url)
    if (pathname === '/settings.json') return void response.writeHead(200, types['.json']).end(settings)
    void sendFile(response, site, pathname)
  }, plainPort)

  // The mode in which the page itself must see to the refresh.
  const jwt = modes.find(({ name }) => name === 'jwt')
  const { session = '' } = jwt ?? {}
  const providers = provider.provider + provider.accessToken
  const { environment } = provider
  const upstream = api.url
  await Gateway.start({ port: gatewayPort, publicUrl: gateway, providers, upstream, site, session, environment })
  return { provider, urls: { gateway, plain } }
}

const types: Record<string, Record<string, string>> = {
  '.html': { 'content-type': 'text/html' },
  '.js': { 'content-type': 'text/javascript' },
  '.json': { 'content-type': 'application/json' },
}

/** Passes a request on to the API, as the gateway does for the others. */
function relay(incoming: IncomingMessage, response: ServerResponse, api: string): void {
  const { method, headers, url } = incoming
  const outgoing = request(api + url, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  outgoing.on('error', () => response.writeHead(502).end())
  incoming.pipe(outgoing)
}

/** Sends a file of the page as built: it has one folder of scripts. */
async function sendFile(response: ServerResponse, site: string, pathname: string): Promise<void> {
  const folder = pathname.startsWith('/assets/') ? join(site, 'assets') : site
  const content = await readFile(join(folder, basename(pathname))).catch(() => undefined)
  if (content) response.writeHead(200, types[extname(pathname)]).end(content)
  else response.writeHead(404).end()
}
