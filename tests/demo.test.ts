// The demo as a stranger sees it: started by its own command, read by its own lines, used by its own buttons.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { existsSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { beforeAll, expect, onTestFailed, onTestFinished, test } from 'vitest'
import { launch } from './support/browser.ts'
import { homeThatTrusts } from './support/certificates.ts'
import { demoPath, demoSite, gatewayPath } from './support/programs.ts'
import { close, freePort, listen, until } from './support/servers.ts'
import { guardStorage } from './support/storage.ts'

/** Seconds. */
const tokenLifetime = 5

beforeAll(() => {
  expect(existsSync(demoPath), `${demoPath}: build it with \`cargo build -p cloakroom-demo\``).toBe(true)
  expect(existsSync(demoSite), `${demoSite}: build it with \`npm run build\` and \`npm run build -w demo/web\``).toBe(true)
})

interface Demo {
  url: string
  users: { name: string, password: string }[]
  output: () => string
}

function start(...options: string[]) {
  const child = spawn(demoPath, ['--gateway', gatewayPath, '--site', demoSite, '--no-open', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { out: '', all: '' }
  child.stdout.setEncoding('utf8').on('data', (part: string) => { text.out += part; text.all += part })
  child.stderr.setEncoding('utf8').on('data', (part: string) => { text.all += part })
  onTestFailed(() => console.log(`--- the demo's output\n${text.all}---`))
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(impatience)
  })
  return { child, text }
}

async function startDemo(...options: string[]): Promise<Demo> {
  const { child, text } = start(...options)
  const url = await until('the line `ready URL`', () => {
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}`)
    return /^ready (https?:\/\/localhost:\d+)\/?$/m.exec(text.out)?.[1]
  }, 20_000)
  guardStorage(url)
  const users = [...text.out.matchAll(/^user (\S+) (\S+)$/gm)].map(([, name = '', password = '']) => ({ name, password }))
  return { url, users, output: () => text.all }
}

async function logIn(page: Page, demo: Demo): Promise<void> {
  const [user] = demo.users
  await page.goto(demo.url)
  await page.getByTestId('login').click()
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:/) // the provider is another site
  await page.locator('input[type=password]').fill(user?.password ?? '')
  await page.locator('input:not([type=password]):not([type=hidden])').first().fill(user?.name ?? '')
  await page.locator('button[type=submit], form button').first().click()
  await page.getByTestId('who').waitFor()
}

/** Presses one row's button and gives the verdicts on both sides. */
async function attack(page: Page, name: string): Promise<{ localStorage: string | null, cloakroom: string | null }> {
  await page.getByTestId(`attack-${name}-run`).click()
  const verdict = async (side: string) => {
    const cell = page.getByTestId(`attack-${name}-${side}`)
    await page.locator(`[data-testid=attack-${name}-${side}][data-verdict]`).waitFor()
    expect((await cell.innerText()).length, 'says in words what happened').toBeGreaterThan(20)
    return cell.getAttribute('data-verdict')
  }
  return { localStorage: await verdict('localstorage'), cloakroom: await verdict('cloakroom') }
}

test('the demo: login, a call, the token refreshed as one watches, a logout that all tabs notice', async () => {
  const demo = await startDemo('--token-lifetime', String(tokenLifetime))
  expect(demo.users.length).toBeGreaterThan(0)
  const browser = await launch()
  const page = await browser.newPage()
  await logIn(page, demo)

  await page.getByTestId('call-api').click()
  await page.locator('[data-testid=api-result][data-status="200"]').waitFor()
  const remaining = Number(await page.getByTestId('token-life').innerText())
  expect(remaining).toBeGreaterThan(0)
  expect(remaining).toBeLessThanOrEqual(tokenLifetime)
  await until('it ticks', async () => Number(await page.getByTestId('token-life').innerText()) < remaining)

  await page.getByTestId('auto-call').click()
  await until('a refresh is shown', async () => Number(await page.getByTestId('refresh-count').innerText()) >= 1, 20_000)

  const other = await browser.newPage()
  await other.goto(demo.url)
  await other.getByTestId('who').waitFor()
  await page.getByTestId('logout').click()
  await page.getByTestId('login').waitFor()
  await other.getByTestId('login').waitFor() // this tab noticed
})

test('the demo over https, in a browser that trusts its authority: the same app, the same lab', async () => {
  const demo = await startDemo('--https')
  expect(demo.url).toMatch(/^https:/)
  const [, authority = ''] = /^ca (\S+)$/m.exec(demo.output()) ?? []
  const browser = await launch({ home: await homeThatTrusts(authority) })
  const page = await browser.newPage()
  await logIn(page, demo)
  expect(await page.evaluate(() => isSecureContext)).toBe(true)
  await page.getByTestId('call-api').click()
  await page.locator('[data-testid=api-result][data-status="200"]').waitFor()
  expect(await attack(page, 'local-storage')).toEqual({ localStorage: 'taken', cloakroom: 'nothing' })
  for (const name of ['cookies', 'form-post', 'fetch', 'websocket']) {
    expect((await attack(page, name)).cloakroom, name).toBe('nothing')
  }
})

test('the attack lab shows what each attack gets from localStorage and from Cloakroom', async () => {
  const demo = await startDemo()
  const browser = await launch()
  const page = await browser.newPage()
  await logIn(page, demo)

  expect(await attack(page, 'local-storage')).toEqual({ localStorage: 'taken', cloakroom: 'nothing' })
  for (const name of ['session-storage', 'cookies', 'indexed-db', 'globals', 'responses']) {
    expect((await attack(page, name)).cloakroom, name).toBe('nothing')
  }
  for (const name of ['form-post', 'fetch', 'websocket']) {
    expect((await attack(page, name)).cloakroom, name).toBe('nothing')
  }
})

test('a taken port is a clear message', async () => {
  const port = await freePort()
  const server = createServer()
  await listen(server, port)
  onTestFinished(() => close(server))
  const { child, text } = start('--port', String(port))
  const [code] = await once(child, 'exit')
  expect(code).not.toBe(0)
  expect(text.all).toContain(String(port))
  expect(text.all).not.toMatch(/panicked|RUST_BACKTRACE/)
})

test('Ctrl-C ends everything', async () => {
  const port = await freePort()
  const { child, text } = start('--port', String(port))
  await until('the line `ready URL`', () => text.out.includes('ready '), 20_000)
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  const server = createServer()
  await listen(server, port) // the gateway has let go of it
  await close(server)
})
