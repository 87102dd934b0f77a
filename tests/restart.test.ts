import { expect, test } from 'vitest'
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
