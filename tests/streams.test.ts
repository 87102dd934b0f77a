import { expect, test } from 'vitest'
import { logIn, openWorld } from './support/world.ts'

test('a WebSocket passes through both ways and reaches the API as the user', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  const answers = await page.evaluate(() => new Promise<string[]>((resolve, reject) => {
    const received: string[] = []
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/socket`)
    socket.onerror = () => reject(new Error('the WebSocket failed'))
    socket.onopen = () => socket.send('one')
    socket.onmessage = ({ data }) => {
      received.push(String(data))
      if (received.length === 2) resolve(received)
      else socket.send('two')
    }
  }))
  expect(answers).toEqual(['alice: one', 'alice: two'])
})

test('server-sent events arrive one by one, not at the end', async () => {
  const world = await openWorld()
  const { page } = await logIn(world)
  const events = await page.evaluate(() => new Promise<{ data: string, at: number }[]>((resolve, reject) => {
    const received: { data: string, at: number }[] = []
    const source = new EventSource('/api/events')
    source.onerror = () => reject(new Error('the event stream failed'))
    source.onmessage = ({ data }) => {
      received.push({ data: String(data), at: performance.now() })
      if (received.length < 3) return
      source.close()
      resolve(received)
    }
  }))
  expect(events.map(({ data }) => data)).toEqual(['1', '2', '3'])
  const [first, , third] = events
  expect((third?.at ?? 0) - (first?.at ?? 0), 'milliseconds between first and third').toBeGreaterThan(500)
})
