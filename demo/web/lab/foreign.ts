// A page of another site, visited by a user who is logged in at the shop.

import '../shared/base.css'
import './lab.css'
import type { ForeignAttack, Outcome } from '../shared/messages'
import { answerRuns } from './frame'

const { app } = (await (await fetch('/setup')).json()) as { app: string }
const form = document.getElementById('claim') as HTMLFormElement
form.action = `${app}/api/orders`

/** Posts a form to `target` in a hidden frame. */
async function postForm(target: string): Promise<string> {
  const frame = document.createElement('iframe')
  frame.name = crypto.randomUUID()
  frame.hidden = true
  const copy = form.cloneNode(true) as HTMLFormElement
  Object.assign(copy, { action: target, target: frame.name, hidden: true, id: '' })
  document.body.append(frame, copy)
  // An empty frame tells of its own empty document first in some browsers: listen after that.
  await new Promise((resolve) => setTimeout(resolve))
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
  copy.submit()
  await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 3000))])
  frame.remove()
  copy.remove()
  return '1 form sent.'
}

async function fetchWithCredentials(target: string): Promise<string> {
  const requests = [
    fetch(target, { credentials: 'include' }),
    fetch(target, { credentials: 'include', method: 'POST', body: new URLSearchParams({ item: 'by fetch' }) }),
  ]
  const answers = await Promise.allSettled(requests)
  const read = answers.filter(({ status }) => status === 'fulfilled').length
  return `2 requests sent, ${read === 0 ? 'no answer' : `${read} answers`} could be read.`
}

async function openWebSocket(target: string): Promise<string> {
  const socket = new WebSocket(target.replace(/^http/, 'ws'))
  const opened = await new Promise<boolean>((resolve) => {
    socket.onopen = () => resolve(true)
    socket.onerror = () => resolve(false)
  })
  socket.close()
  return `1 handshake sent, ${opened ? 'accepted' : 'refused'}.`
}

const ATTACKS: Record<ForeignAttack, (target: string) => Promise<string>> = {
  'form-post': postForm,
  fetch: fetchWithCredentials,
  websocket: openWebSocket,
}

answerRuns(app, async ({ attack, target }): Promise<Outcome> => {
  const text = await ATTACKS[attack as ForeignAttack](target ?? app)
  return { verdict: 'limited', headline: 'Sent', text }
})
