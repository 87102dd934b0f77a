// Development with Vite's own server, in the two ways of docs/development.md.
import { execFileSync } from 'node:child_process'
import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from 'vite'
import { launch } from './support/browser.ts'
import { certificatesFor } from './support/certificates.ts'
import { gatewayPath, repository } from './support/programs.ts'
import { freePort, temporaryFolder } from './support/servers.ts'
import { call, expectLoggedOut, expiry, logIn, openWorld, type World } from './support/world.ts'

/** The block of docs/development.md that follows this line of comment. */
async function shown(comment: string): Promise<string> {
  const text = await readFile(join(repository, 'docs', 'development.md'), 'utf8')
  const block = text.split('```').find((block) => block.includes(comment))
  if (!block) throw new Error(`docs/development.md shows no ${comment}`)
  return block.replace(/^\w+\n/, '')
}

/** A copy of tests/apps/vite that may be edited. */
async function copyOfPage(): Promise<string> {
  const folder = await temporaryFolder()
  await cp(join(repository, 'tests', 'apps', 'vite'), folder, { recursive: true })
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Starts Vite with this configuration. */
async function startVite(folder: string, configuration: string): Promise<void> {
  await writeFile(join(folder, 'vite.config.js'), configuration)
  const server = await createServer({ root: folder, cacheDir: join(folder, '.vite'), logLevel: 'error' })
  onTestFinished(() => server.close())
  await server.listen()
}

/** Logs in, calls the API with an expired token and by WebSocket, hears events, changes a module, logs out. */
async function expectDevelopment(world: World, folder: string, home?: string): Promise<void> {
  const browser = await launch(home ? { home } : {})
  const sockets: string[] = []
  browser.on('page', (page) => page.on('websocket', (socket) => sockets.push(new URL(socket.url()).host)))
  const { page } = await logIn(world, '/', browser)
  expect(await call(page)).toMatchObject({ status: 200 })
  await expiry(world)
  expect(await call(page)).toMatchObject({ status: 200 })
  expect(world.provider.refreshes).toBe(1)
  expect(await page.evaluate(() => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/socket`)
    socket.onopen = () => socket.send('hello')
    socket.onmessage = ({ data }) => {
      socket.close()
      resolve(data)
    }
    socket.onerror = () => reject(new Error('the WebSocket failed'))
  }))).toBe('alice: hello')
  await page.evaluate(() => new Promise<void>((resolve, reject) => {
    const events = new EventSource('/auth/events')
    events.onerror = () => reject(new Error('the event stream failed'))
    events.onopen = () => {
      events.close()
      resolve()
    }
  }))

  await page.evaluate(() => Reflect.set(window, 'kept', 'by a page that was not reloaded'))
  await page.getByText('Good morning').waitFor()
  await writeFile(join(folder, 'greeting.js'), "export const greeting = 'Good evening'\n")
  await page.getByText('Good evening').waitFor()
  expect(await page.evaluate(() => Reflect.get(window, 'kept'))).toBe('by a page that was not reloaded')
  // Vite's page also tries Vite's own port, where the one that it came from does not answer.
  expect([...new Set(sockets)]).toEqual([new URL(world.url).host])

  await world.provider.logOut(page)
  await expectLoggedOut(page)
}

test('the configurations of the gateway in docs/development.md are good', async () => {
  const folder = await temporaryFolder()
  execFileSync(gatewayPath, ['dev-cert', '--out', join(folder, 'certificates'), 'localhost'], { stdio: 'pipe' })
  const addresses = {
    'the gateway in front\n': 'http://localhost:8080',
    'Vite in front\n': 'http://localhost:5173',
    'the gateway in front, over https\n': 'https://localhost:8443',
  }
  for (const [way, address] of Object.entries(addresses)) {
    const file = join(folder, 'cloakroom.toml')
    await writeFile(file, await shown(`cloakroom.toml: ${way}`))
    const env = { ...process.env, OIDC_CLIENT_SECRET: 'a secret for the tests' }
    expect(execFileSync(gatewayPath, ['check', '--config', file], { env, encoding: 'utf8' })).toContain(address)
  }
})

/** Seconds. */
const accessTokenLifetime = 4

test('the gateway in front of Vite: login, call, hot reload through the gateway, logout (F7)', async () => {
  const vite = await freePort()
  const folder = await copyOfPage()
  await startVite(folder, (await shown('vite.config.ts: the gateway in front')).replace('5173', String(vite)))
  const world = await openWorld({ accessTokenLifetime, devServer: `http://localhost:${vite}` })
  await expectDevelopment(world, folder)
})

test('the gateway in front of Vite over https, as Safari needs it: login, call, hot reload, logout (F6, F7)', async () => {
  const vite = await freePort()
  const folder = await copyOfPage()
  await startVite(folder, (await shown('vite.config.ts: the gateway in front')).replace('5173', String(vite)))
  const { certificate, key, home } = await certificatesFor('localhost')
  const world = await openWorld({
    accessTokenLifetime,
    url: (port) => `https://localhost:${port}`,
    listen: `tls = { certificate = "${certificate}", key = "${key}" }`,
    devServer: `http://localhost:${vite}`,
  })
  await expectDevelopment(world, folder, home)
})

test('Vite in front of the gateway: login, call, hot reload, logout (F7)', async () => {
  const vite = await freePort()
  const folder = await copyOfPage()
  const world = await openWorld({ accessTokenLifetime, url: () => `http://localhost:${vite}` })
  const configuration = await shown('vite.config.ts: Vite in front')
  await startVite(folder, configuration.replace('5173', String(vite)).replace('8080', String(world.port)))
  await expectDevelopment(world, folder)
})
