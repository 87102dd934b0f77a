import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { until } from './support/servers.ts'
import {
  expectApiAnswers,
  expiry,
  logIn,
  openWorld,
  rawRequest,
  sameOriginHeaders,
  sessionCookieValue,
} from './support/world.ts'

/** Seconds. Long enough that a refreshed token outlives its test, short enough to wait for. */
const accessTokenLifetime = 5

/** The statuses of 50 fetches that the page sends at once. */
function fiftyFetches(page: Page): Promise<number[]> {
  return page.evaluate(() => {
    const one = async (_: unknown, number: number) => (await fetch(`/api/orders/${number}`)).status
    return Promise.all(Array.from({ length: 50 }, one))
  })
}

const fiftyTimes200 = Array.from({ length: 50 }, () => 200)

test('50 parallel fetches with an expired access token: one refresh, 50 good answers (R15)', async () => {
  const world = await openWorld({ accessTokenLifetime })
  const { page } = await logIn(world)
  await expectApiAnswers(page)
  expect(world.provider.granted('refresh_token')).toBe(0)
  await expiry(world)
  world.provider.refreshDelay = 500
  expect(await fiftyFetches(page)).toEqual(fiftyTimes200)
  expect(world.provider.granted('refresh_token')).toBe(1)
  expect(world.provider.tokenRequests.every(({ ok }) => ok)).toBe(true)
})

test('50 requests over as many connections with an expired access token: one refresh, 50 good answers (R15)', async () => {
  const world = await openWorld({ accessTokenLifetime })
  const { browser } = await logIn(world)
  const headers = sameOriginHeaders(await sessionCookieValue(browser))
  await expiry(world)
  world.provider.refreshDelay = 500
  const one = (_: unknown, number: number) => rawRequest(`${world.url}/api/orders/${number}`, { headers })
  const answers = await Promise.all(Array.from({ length: 50 }, one))
  expect(answers.map(({ status }) => status)).toEqual(fiftyTimes200)
  expect(world.provider.granted('refresh_token')).toBe(1)
})

test('50 fetches aborted in the middle of the refresh: the session lives on (R15)', async () => {
  const world = await openWorld({ accessTokenLifetime })
  const { page } = await logIn(world)
  await expiry(world)
  world.provider.refreshDelay = 1500

  const aborted = page.evaluate(() => {
    const controller = new AbortController()
    Reflect.set(window, 'abortAll', () => controller.abort())
    const one = (_: unknown, number: number) => fetch(`/api/orders/${number}`, { signal: controller.signal })
      .then(() => 'answered', (error: Error) => error.name)
    return Promise.all(Array.from({ length: 50 }, one))
  })
  await until('the refresh is under way', () => world.provider.refreshesUnderWay > 0)
  await page.evaluate(() => (Reflect.get(window, 'abortAll') as () => void)())
  expect(await aborted).toEqual(Array.from({ length: 50 }, () => 'AbortError'))
  expect(world.provider.refreshesUnderWay, 'aborted before the provider answered').toBe(1)
  await until('the refresh is over', () => world.provider.refreshesUnderWay === 0)
  world.provider.refreshDelay = 0

  await expectApiAnswers(page)
  expect(world.provider.granted('refresh_token')).toBe(1)
  // The rotated refresh token was kept: the next refresh works with it.
  await expiry(world)
  await expectApiAnswers(page)
  expect(world.provider.granted('refresh_token')).toBe(2)
  expect(world.provider.tokenRequests.every(({ ok }) => ok)).toBe(true)
})

test('the access token of an open page is replaced in time, again and again (R15)', async () => {
  const world = await openWorld({ accessTokenLifetime })
  const { page } = await logIn(world)
  for (const refreshes of [1, 2]) {
    await expiry(world)
    await expectApiAnswers(page)
    expect(world.provider.granted('refresh_token')).toBe(refreshes)
  }
  const tokens = new Set(world.api.arrivals.map(({ headers }) => headers.authorization))
  expect(tokens.size).toBe(2)
})

test('POST /auth/refresh is idempotent: a fresh access token stays', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  const statuses = await page.evaluate(async () => {
    const one = async () => (await fetch('/auth/refresh', { method: 'POST' })).status
    return [await one(), await one()]
  })
  expect(statuses).toEqual([204, 204])
  expect(world.provider.granted('refresh_token')).toBe(0)
})
