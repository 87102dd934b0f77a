// Three tabs, six requests each, an expired access token, a refresh token that rotates and whose second use ends
// the login: what becomes of the requests and of the session.
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { chromium, firefox, type Browser } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { chromiumPath, firefoxPath, repository } from '../../tests/support/programs.ts'
import { until } from '../../tests/support/servers.ts'
import { candidates } from './candidates.ts'
import { openShop, type Shop } from './shop.ts'
import { table, type Row, type Run } from './table.ts'
import { Visitor } from './visitor.ts'

const runs = 20
const tabs = 3
/** Seconds: long enough for all candidates to log in, short enough to wait for. */
const shortLifetime = 8
/** Seconds: no token that a run gets expires in it. */
const longLifetime = 600

const engines = {
  Chromium: () => chromium.launch({
    executablePath: chromiumPath,
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  }),
  Firefox: () => firefox.launch({ executablePath: firefoxPath, channel: 'moz-firefox' }),
}

for (const [engine, launch] of Object.entries(engines)) {
  test(engine, async () => {
    const browser = await launch()
    onTestFinished(() => browser.close())
    const shop = await openShop()
    await expectGoodAlone(browser, shop)
    const rows = await measure(browser, shop)
    console.log(`${engine} ${browser.version()}, ${versions()}, ${today()}, ${machine()}:\n\n${table(rows, 'Cloakroom')}\n`)
    for (const { runs } of rows.filter(({ name }) => name.startsWith('Cloakroom'))) {
      expect(runs.filter(({ lost, sessionEnded, refreshes }) => lost > 0 || sessionEnded || refreshes !== 1)).toEqual([])
    }
  })
}

/** Fails unless each candidate does in a single tab what is known of it: then it has been set up rightly. */
async function expectGoodAlone(browser: Browser, shop: Shop): Promise<void> {
  const visitors = await Promise.all(candidates.map((one) => Visitor.open(browser, shop, one, 1)))
  await logIn(visitors, shop)
  for (const visitor of visitors) {
    const run = await once(visitor, shop)
    const { name, lostAlone = 0 } = visitor.candidate
    expect(run, `${name} in one tab`).toMatchObject({ refreshes: 1, lost: lostAlone, sessionEnded: false })
    await visitor.leave()
  }
}

async function measure(browser: Browser, shop: Shop): Promise<Row[]> {
  const visitors = await Promise.all(candidates.map((one) => Visitor.open(browser, shop, one, tabs)))
  const rows = candidates.map(({ name }): Row => ({ name, runs: [] }))
  for (let run = 0; run < runs; run += 1) {
    await logIn(visitors, shop)
    // Each is the first as often as any other.
    for (const index of candidates.keys()) {
      const turn = (index + run) % candidates.length
      const visitor = visitors[turn]
      if (visitor) rows[turn]?.runs.push(await once(visitor, shop))
    }
  }
  return rows
}

/** Logs everybody in with tokens that soon expire, and waits for that. */
async function logIn(visitors: Visitor[], { provider }: Shop): Promise<void> {
  const refreshes = refreshRequests(provider)
  provider.accessTokenLifetime = shortLifetime
  await Promise.all(visitors.map((visitor) => visitor.logIn()))
  provider.accessTokenLifetime = longLifetime
  await until('the tokens expire', () => Date.now() > provider.lastExpiry + 500, (shortLifetime + 5) * 1000)
  expect(refreshRequests(provider), 'refreshes before the run').toBe(refreshes)
}

async function once(visitor: Visitor, { provider }: Shop): Promise<Run> {
  const refreshesBefore = refreshRequests(provider)
  const endedBefore = provider.endedGrants.size
  const results = await visitor.run()
  const refreshes = refreshRequests(provider) - refreshesBefore
  const sessionEnded = provider.endedGrants.size > endedBefore || !await visitor.isLoggedIn()
  const started = Math.min(...results.map(({ started }) => started))
  const ended = Math.max(...results.map(({ ended }) => ended))
  const lost = results.reduce((total, { lost }) => total + lost, 0)
  return { refreshes, lost, sent: results.length * 6, sessionEnded, milliseconds: ended - started }
}

function refreshRequests({ tokenRequests }: Shop['provider']): number {
  return tokenRequests.filter(({ grantType }) => grantType === 'refresh_token').length
}

/** Of what is measured, as installed. */
function versions(): string {
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version: string }> }
  const version = (name: string) => {
    const { version } = lock.packages[`bench/tabs/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`] ?? {}
    return `${name} ${version}`
  }
  return ['axios', 'axios-auth-refresh', 'ky', 'oidc-provider'].map(version).join(', ')
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}

function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? 'an unknown processor'}`
}
