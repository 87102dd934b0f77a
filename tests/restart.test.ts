import { expect, test } from 'vitest'
import { until } from './support/servers.ts'
import { Visitor } from './support/visitor.ts'
import { expectApiAnswers, expectLoggedIn, logIn, openWorld } from './support/world.ts'

test('after kill -9 and a new start everybody is still logged in', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  await world.gateway.kill()
  await world.gateway.start()
  await page.reload()
  await expectLoggedIn(page)
  await expectApiAnswers(page)
  expect(world.provider.granted('authorization_code')).toBe(1)
})

test('kill -9 under load, three times: no acknowledged login is lost', async () => {
  const world = await openWorld()
  const loggedIn: Visitor[] = []
  let goesOn = true
  // Each logs in again and again as somebody new, and calls the API; what the kill cuts off counts for nothing.
  const streams = Array.from({ length: 8 }, async () => {
    while (goesOn) {
      const visitor = new Visitor(world)
      try {
        await visitor.logIn()
        loggedIn.push(visitor)
        await visitor.call('/api/orders')
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  })
  for (const enough of [15, 40, 70]) {
    await until(`${enough} logins`, () => loggedIn.length >= enough, 30_000)
    await world.gateway.kill()
    await world.gateway.start()
  }
  goesOn = false
  await Promise.all(streams)
  const statuses = await Promise.all(loggedIn.map((visitor) => visitor.call('/api/orders')))
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect(statuses.length).toBeGreaterThanOrEqual(70)
})

test('a provider that is down ends no session (R15)', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  await expectApiAnswers(page) // the API has the provider's keys from now on
  await world.provider.stop()
  await world.gateway.kill()
  await world.gateway.start()
  await page.reload()
  await expectLoggedIn(page)
  await expectApiAnswers(page)
})
