// What other pages can make a browser send.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { serve } from './servers.ts'

/** What happened to a request, as its sender can tell. */
export type Outcome = 'went through' | 'refused'

/** Runs in the foreign page: sends a request of this kind and tells how it ended. */
export function send({ kind, url }: { kind: string, url: string }): Promise<Outcome> {
  const ended = (ok: boolean): Outcome => (ok ? 'went through' : 'refused')
  switch (kind) {
    case 'fetch':
      return fetch(url, { credentials: 'include' }).then((answer) => ended(answer.ok), () => 'refused')
    case 'POST by fetch':
      // The sender may not read this answer, whatever it is: the browser's own record counts.
      return fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'amount=1' })
        .then((answer) => ended(answer.ok), () => 'refused')
    case 'image':
      return new Promise((resolve) => {
        const image = new Image()
        image.onload = image.onerror = () => resolve('refused') // JSON is no image either way
        image.src = url
      })
    case 'WebSocket':
      return new Promise((resolve) => {
        const socket = new WebSocket(url.replace('http', 'ws'))
        socket.onopen = () => resolve('went through')
        socket.onclose = () => resolve('refused')
      })
    default:
      throw new Error(kind)
  }
}

/** Submits a form that posts to `url`, as a navigation; gives the answer's body. */
export async function submitForm(page: Page, url: string): Promise<string> {
  const answer = page.waitForResponse((response) => response.url() === url)
  await page.evaluate((action) => {
    const form = document.createElement('form')
    form.method = 'post'
    form.action = action
    document.body.append(form)
    form.submit()
  }, url)
  return (await answer).text()
}

/** The reason for which each kind is refused: Chromium sends no Fetch Metadata with a WebSocket. */
export const reasons: Record<string, string> = {
  'fetch': 'cross-site',
  'POST by fetch': 'cross-site',
  'image': 'cross-site',
  'WebSocket': 'foreign-origin',
}
export const subresources = Object.keys(reasons)

/** A page that somebody else serves, in the same browser as the page of `url`. */
export async function foreignPage(url: string, own: Page, host: string): Promise<Page> {
  const { port } = await serve((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Foreign</title><body>')
  })
  const page = await own.context().newPage()
  await page.goto(`http://${host}:${port}/`)
  expect(new URL(page.url()).origin).not.toBe(url)
  return page
}
