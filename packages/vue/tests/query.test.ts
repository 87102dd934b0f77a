// @vitest-environment happy-dom
import { fakeSession } from '@cloakroom/client/testing'
import { QueryClient, VueQueryPlugin, useQuery } from '@tanstack/vue-query'
import { createApp, h, nextTick, type Component } from 'vue'
import { afterEach, expect, test, vi } from 'vitest'
import { resetOnLogout, sessionPlugin, useSession } from '../src/index.js'
import { alice, bob } from './claims.js'

const clients: QueryClient[] = []
afterEach(() => clients.splice(0).forEach((client) => client.clear()))

function begin() {
  const fake = fakeSession({ claims: alice })
  const queryClient = new QueryClient()
  clients.push(queryClient)
  const end = resetOnLogout(fake.session, { queryClient })
  return { fake, queryClient, end }
}

test('queries and mutations are forgotten', async () => {
  const { fake, queryClient } = begin()
  await queryClient.fetchQuery({ queryKey: ['orders'], queryFn: async () => ['umbrella'] })
  const mutation = queryClient.getMutationCache().build(queryClient, { mutationFn: async () => 'ordered' })
  await mutation.execute(undefined)
  fake.logOutElsewhere()
  expect(queryClient.getQueryCache().getAll()).toEqual([])
  expect(queryClient.getMutationCache().getAll()).toEqual([])
})

test('what is under way is cancelled, and its late answer shown to nobody', async () => {
  const { fake, queryClient } = begin()
  let answer = (_orders: string[]): void => {}
  let aborted = false
  const fetching = queryClient.fetchQuery({
    queryKey: ['orders'],
    queryFn: ({ signal }) => new Promise<string[]>((resolve) => {
      answer = resolve
      signal.addEventListener('abort', () => (aborted = true))
    }),
  })
  fetching.catch(() => {})
  fake.switchTo(bob)
  expect(aborted).toBe(true)
  answer(['umbrella'])
  await expect(fetching).rejects.toThrow('CancelledError')
  expect(queryClient.getQueryData(['orders'])).toBeUndefined()
})

/** A page that shows the user and what its query holds, each time something changes. */
function page({ fake, queryClient }: Pick<ReturnType<typeof begin>, 'fake' | 'queryClient'>) {
  const seen: string[] = []
  const asked = vi.fn(async () => `orders of ${fake.session.snapshot.claims?.name}`)
  const Page: Component = {
    setup() {
      const { claims } = useSession()
      const { data } = useQuery({ queryKey: ['orders'], queryFn: asked, staleTime: Infinity, retry: false })
      return () => (seen.push(`${claims.value?.name}: ${data.value}`), h('p'))
    },
  }
  const app = createApp(Page).use(sessionPlugin(fake.session)).use(VueQueryPlugin, { queryClient })
  app.mount(document.createElement('div'))
  return { app, seen, asked }
}

test('rule 9: a mounted page never shows the data of one user beside the name of another', async () => {
  const { fake, queryClient } = begin()
  const { app, seen, asked } = page({ fake, queryClient })
  await vi.waitFor(() => expect(seen.at(-1)).toBe('Alice: orders of Alice'))
  fake.switchTo(bob)
  await vi.waitFor(() => expect(seen.at(-1)).toBe('Bob: orders of Bob'))
  expect(seen).toEqual(['Alice: undefined', 'Alice: orders of Alice', 'Bob: undefined', 'Bob: orders of Bob'])
  expect(asked).toHaveBeenCalledTimes(2)
  app.unmount()
})

test('while nobody is logged in nothing is asked', async () => {
  const { fake, queryClient } = begin()
  const { app, seen, asked } = page({ fake, queryClient })
  await vi.waitFor(() => expect(seen.at(-1)).toBe('Alice: orders of Alice'))
  fake.logOutElsewhere()
  await nextTick()
  expect(seen.at(-1)).toBe('undefined: undefined')
  expect(queryClient.isFetching()).toBe(0)
  expect(asked).toHaveBeenCalledTimes(1)
  fake.logIn(alice)
  await vi.waitFor(() => expect(seen.at(-1)).toBe('Alice: orders of Alice'))
  fake.expire()
  fake.logIn(alice)
  await nextTick()
  expect(asked, 'nothing was reset').toHaveBeenCalledTimes(2)
  app.unmount()
})

test('it ends', async () => {
  const { fake, queryClient, end } = begin()
  queryClient.setQueryData(['orders'], ['umbrella'])
  end()
  fake.logOutElsewhere()
  expect(queryClient.getQueryData(['orders'])).toEqual(['umbrella'])
})
