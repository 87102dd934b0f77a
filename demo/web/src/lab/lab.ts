// Runs each attack against both: this page behind Cloakroom, and the page that keeps its token in localStorage.

import { runScript, type Victim } from '../../shared/attacks'
import type { Addresses, ForeignAttack, Outcome, ScriptAttack } from '../../shared/messages'
import { CALLS, initOf } from '../api'
import type { Attack } from './catalogue'
import type { Frame } from './frames'

/** The two sides of a row. */
export interface Outcomes {
  localStorage: Outcome
  cloakroom: Outcome
}

/** The frames of the lab. */
export interface Frames {
  storage: Frame
  foreign: Frame
}

/** Where the lab's pages live. */
export async function loadAddresses(): Promise<Addresses> {
  return (await (await fetch('/lab/addresses')).json()) as Addresses
}

/** Runs one attack on both sides at once. */
export async function runAttack(attack: Attack, frames: Frames, addresses: Addresses): Promise<Outcomes> {
  const [localStorage, cloakroom] = await Promise.all(
    attack.by === 'script'
      ? [frames.storage.run({ attack: attack.name }), attackThisPage(attack.name, addresses)]
      : [
          attackFromAfar(attack.name, frames.foreign, addresses.storage, describeStorage),
          attackFromAfar(attack.name, frames.foreign, addresses.app, describeGateway),
        ],
  )
  return { localStorage, cloakroom }
}

async function attackThisPage(attack: ScriptAttack, { foreign }: Addresses): Promise<Outcome> {
  const victim: Victim = {
    thief: foreign,
    probes: [
      probe('GET', '/auth/session'),
      probe('POST', '/auth/refresh'),
      probe('GET', '/auth/login'),
      probe('GET', '/auth/callback/default'),
      probe('GET', CALLS.whoami.path),
      probe('GET', CALLS.orders.path),
    ],
    call: () => fetch(CALLS.order.path, initOf(CALLS.order)),
    ride: {
      verdict: 'limited',
      headline: 'Yes, but no longer than that',
      text: 'It placed an order in your name: no way of keeping tokens stops this. It ends with the page or with the session, and nothing can be carried away.',
    },
  }
  // The walk of the globals takes a second: first let the page show that it has begun.
  await new Promise((resolve) => setTimeout(resolve, 30))
  return runScript(attack, victim)
}

function probe(method: string, path: string) {
  return { name: `${method} ${path}`, send: () => fetch(path, { method, redirect: 'manual' }) }
}

/** What the API knows of the requests of one attack. */
interface Arrivals {
  arrived: number
  accepted: number
}

async function attackFromAfar(
  attack: ForeignAttack,
  foreign: Frame,
  origin: string,
  describe: (sent: string, arrivals: Arrivals) => Outcome,
): Promise<Outcome> {
  const run = crypto.randomUUID()
  const sent = await foreign.run({ attack, target: `${origin}/api/orders?lab=${run}` })
  const arrivals = (await (await fetch(`/lab/arrivals?run=${run}`)).json()) as Arrivals
  return describe(sent.text, arrivals)
}

function describeGateway(sent: string, arrivals: Arrivals): Outcome {
  if (arrivals.arrived > 0) return describeArrived(sent, arrivals)
  const text = `${sent} The gateway refused (403, cross-site): 0 reached the API.`
  return { verdict: 'nothing', headline: 'Refused', text }
}

function describeStorage(sent: string, arrivals: Arrivals): Outcome {
  if (arrivals.accepted > 0) return describeArrived(sent, arrivals)
  const text =
    `${sent} ${arrivals.arrived} reached the API, without a token: refused (401). ` +
    'Nothing goes along by itself, so this way is not open to CSRF.'
  return { verdict: 'nothing', headline: 'Refused', text }
}

function describeArrived(sent: string, { arrived, accepted }: Arrivals): Outcome {
  const text = `${sent} ${arrived} reached the API, which carried out ${accepted}.`
  return accepted > 0
    ? { verdict: 'taken', headline: 'Carried out', text }
    : { verdict: 'limited', headline: 'Let through', text }
}
