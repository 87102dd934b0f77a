// `session.fetch` in the libraries that fetch for people. Their code is what docs/adapters.md shows.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { calls, Outcome } from './apps/adapters/main.ts'
import { launch, type Engine } from './support/browser.ts'
import { kindsOf } from './support/kinds.ts'
import { buildPage } from './support/page.ts'
import { repository } from './support/programs.ts'
import { until } from './support/servers.ts'
import { expiry, logIn, openWorldOf } from './support/world.ts'

const folder = join(repository, 'tests', 'apps', 'adapters')

/** Seconds. */
const accessTokenLifetime = 4

// In this mode each answer to an expired token is a marked 401: the page must do all by itself.
const kind = kindsOf('oidc').find(({ mode }) => mode.name === 'jwt')!

/** Makes a call with the library in the page. */
function make(page: Page, call: keyof typeof calls, ...args: unknown[]): Promise<Outcome> {
  return page.evaluate(([call, args]) => {
    const { calls } = window as unknown as { calls: Record<string, (...args: unknown[]) => Promise<Outcome>> }
    return calls[call]!(...args)
  }, [call, args] as const)
}

interface Library {
  /** Half of them in each: what differs between the engines is not the libraries'. */
  engine: Engine
  /** What it makes of the API's own 401. */
  refusal: Outcome
  /** How many times the API is asked that is overloaded at first, and what comes of it. */
  retries: { times: number, outcome: Outcome }
  /** What it throws after an abort, and while nobody can refresh. */
  abort: Outcome
  outage: Outcome
}

const answered = { times: 3, outcome: { json: { times: 3 } } }
const reason = 'unreachable'
const data = { error: 'second factor' }

const libraries: Record<string, Library> = {
  ky: {
    engine: 'chromium',
    refusal: { error: 'HTTPError', status: 401, data },
    retries: answered,
    abort: { error: 'AbortError' },
    outage: { error: 'SessionError', reason },
  },
  ofetch: {
    engine: 'chromium',
    refusal: { error: 'FetchError', status: 401, data },
    retries: { times: 2, outcome: { error: 'FetchError', status: 503, data: { times: 2 } } },
    abort: { error: 'FetchError', cause: 'AbortError' },
    outage: { error: 'FetchError', cause: 'SessionError', reason },
  },
  axios: {
    engine: 'firefox',
    refusal: { error: 'AxiosError', status: 401, data },
    retries: { times: 1, outcome: { error: 'AxiosError', status: 503, data: { times: 1 } } },
    abort: { error: 'CanceledError' },
    outage: { error: 'SessionError', reason },
  },
  query: {
    engine: 'firefox',
    refusal: { error: 'HttpError', status: 401 },
    retries: answered,
    abort: { error: 'CancelledError' },
    outage: { error: 'SessionError', reason },
  },
}

describe.for(Object.entries(libraries))('%s', ([library, expected]) => {
  test('expired tokens: one refresh, bodies sent again, retries and aborts as ever; the API\'s own 401 is its own (rules 2, 3, 5, 6)', async () => {
    const world = await openWorldOf(kind, { accessTokenLifetime, site: await buildPage(folder) })
    const { page } = await logIn(world, '/', await launch({ engine: expected.engine }))
    const refreshes: number[] = []
    page.on('response', (answer) => {
      if (answer.url().endsWith('/auth/refresh')) refreshes.push(answer.status())
    })
    const arrivalsAt = (path: string): number => world.api.arrivals.filter((arrival) => arrival.path === path).length

    await expiry(world)
    const [read, written, unsteady] = await Promise.all([
      make(page, 'get', library, '/api/orders'),
      make(page, 'post', library, '/api/orders', { amount: 1 }),
      make(page, 'get', library, '/api/unsteady'),
    ])
    expect(read).toMatchObject({ json: { subject: 'alice', method: 'GET' } })
    expect(written).toMatchObject({ json: { subject: 'alice', method: 'POST', body: '{"amount":1}' } })
    expect(unsteady).toEqual(expected.retries.outcome)
    expect(arrivalsAt('/api/unsteady')).toBe(expected.retries.times)
    expect(refreshes, 'one for all, retries included').toEqual([204])

    expect(await make(page, 'get', library, '/api/forbidden')).toEqual(expected.refusal)
    expect(arrivalsAt('/api/forbidden')).toBe(1)
    expect(refreshes, 'none for an answer of the API').toEqual([204])

    await expiry(world)
    world.provider.refreshDelay = 1_000
    const aborted = make(page, 'getUntilAborted', library, '/api/late')
    await until('the refresh is under way', () => world.provider.refreshesUnderWay > 0)
    await make(page, 'abort')
    expect(await aborted).toMatchObject(expected.abort)
    expect(world.provider.refreshesUnderWay, 'aborted before the refresh is over').toBe(1)
    world.provider.refreshDelay = 0
    expect(await make(page, 'get', library, '/api/orders')).toMatchObject({ json: { subject: 'alice' } })
    expect(arrivalsAt('/api/late')).toBe(0)
    expect(refreshes, 'the one that was under way').toEqual([204, 204])

    await expiry(world)
    await world.provider.stop()
    expect(await make(page, 'get', library, '/api/orders')).toMatchObject(expected.outage)
    await page.getByText('logged in as Alice Liddell').waitFor()
    await world.provider.start()
    await until('the provider is back', async () => (await make(page, 'get', library, '/api/orders')).json)
    expect(refreshes.filter((status) => status === 204), 'one more').toHaveLength(3)
    expect(world.provider.refusedRefreshes).toBe(0)
  })
})

test('docs/adapters.md shows the code that these tests run', async () => {
  const shown = await readFile(join(repository, 'docs', 'adapters.md'), 'utf8')
  for (const file of ['session.ts', 'ky.ts', 'ofetch.ts', 'axios.ts', 'query.ts']) {
    expect(shown, file).toContain(await readFile(join(folder, file), 'utf8'))
  }
})
