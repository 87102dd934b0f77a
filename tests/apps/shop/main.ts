// An application that shows its user's data, as many do, and keeps a diary of what happens and of what can be seen:
// one line for each event and for each change of what a frame shows.
import { createSession, type Session } from '@cloakroom/client'

/** What tests use of the page. */
export interface Shop {
  session: Session
  /** One that this page does not use for itself. */
  another: Session
  diary: string[]
  /** Sends so many requests at once, every second one a POST; gives what became of them. */
  order: (requests: number) => Promise<Outcome[]>
}

/** The answer to a request, or the error. */
export interface Outcome {
  path: string
  status: number
  body: string
}

declare global {
  interface Window { shop: Shop }
}

const session = createSession()
const user = document.querySelector('#user')!
const orders = document.querySelector('#orders')!
const diary: string[] = []

function write(line: string): void {
  diary.push(line)
  console.debug(`diary ${line}`) // for readers who outlive the page
}

session.onReset((reason) => {
  write(`reset ${reason}`)
  show('')
})

session.onChange(({ status, claims }, reason) => {
  write(`${status} ${claims?.sub ?? 'nobody'}, ${reason}`)
  user.textContent = claims ? `logged in as ${claims.name}` : 'logged out'
  // As after an expiry: what was there stays, so that nothing unsaved is lost.
  if (status === 'in' && reason !== 'refresh') void load()
})

async function load(): Promise<void> {
  const { sid } = session.snapshot
  const answer = await session.fetch('/api/orders')
  const { subject } = await answer.json() as { subject: string }
  if (sid === session.snapshot.sid) show(subject)
}

function show(subject: string): void {
  orders.textContent = subject && `orders of ${subject}`
  document.body.dataset['shows'] = subject
}

async function order(requests: number): Promise<Outcome[]> {
  return Promise.all(Array.from({ length: requests }, async (_, number): Promise<Outcome> => {
    const path = `/api/orders/${crypto.randomUUID()}`
    const body = JSON.stringify({ path, number })
    try {
      const answer = await session.fetch(path, number % 2 ? { method: 'POST', body } : {})
      return { path, status: answer.status, body: await answer.text() }
    } catch (error) {
      return { path, status: 0, body: String(error) }
    }
  }))
}

// What a frame shows is what is there when it is about to be painted.
let seen = ''
function watch(): void {
  const hidden = getComputedStyle(document.documentElement).opacity === '0'
  const sight = hidden ? 'nothing' : [user, orders].map(({ textContent }) => textContent).filter(Boolean).join(', ')
  if (sight !== seen) write(`sight: ${seen = sight}`)
  requestAnimationFrame(watch)
}
watch()

addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return
  write('back from the cache')
  seen = '' // what is still to be seen is seen anew
})
window.shop = { session, another: createSession(), diary, order }
session.ready().catch((error: unknown) => write(`not ready: ${String(error)}`))
