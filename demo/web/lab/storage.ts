// The localStorage way: this page logs in by itself and keeps its tokens where every script can read them.

import '../shared/base.css'
import './lab.css'
import { runScript, type Victim } from '../shared/attacks'
import { answerRuns } from './frame'

interface Tokens {
  accessToken: string
  refreshToken: string
}

interface Setup {
  app: string
  foreign: string
  user: { name: string; password: string }
}

const KEY = 'shop.auth'
const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const form = find<HTMLFormElement>('login')

const setup = (await (await fetch('/setup')).json()) as Setup
for (const [name, value] of Object.entries(setup.user)) {
  form.querySelector<HTMLInputElement>(`[name=${name}]`)!.value = value
}

function tokens(): Tokens | undefined {
  const entry = localStorage.getItem(KEY)
  return entry === null ? undefined : (JSON.parse(entry) as Tokens)
}

/** Posts JSON to the login service, keeps the tokens that it answers and shows them, masked. */
async function obtain(path: string, body: object): Promise<void> {
  const answer = await post(path, body)
  if (answer.ok) localStorage.setItem(KEY, JSON.stringify(await answer.json()))
  else localStorage.removeItem(KEY)
  show()
}

function post(path: string, body: object): Promise<Response> {
  return fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}

const logIn = () => obtain('/legacy/login', Object.fromEntries(new FormData(form)))

/** Calls the API as such a page does: with the token from localStorage, renewed when it has expired. */
async function callApi(path: string, method = 'GET'): Promise<Response> {
  const call = () => fetch(path, { method, headers: { Authorization: `Bearer ${tokens()?.accessToken}` } })
  if (tokens() === undefined) await logIn()
  const answer = await call()
  if (answer.status !== 401) return answer
  await obtain('/legacy/refresh', { refreshToken: tokens()?.refreshToken })
  if (tokens() === undefined) await logIn()
  return call()
}

function show() {
  const kept = tokens()
  form.hidden = kept !== undefined
  find('inside').hidden = kept === undefined
  find('who').textContent = setup.user.name
  find('entry').textContent = Object.entries(kept ?? {})
    .map(([name, value]) => `${name.padEnd(12)} ██████ ${String(value).length} characters`)
    .join('\n')
  // As stores and their developer tools do: the state is reachable from window.
  Object.assign(window, { store: { auth: kept } })
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void logIn()
})
find('logout').addEventListener('click', () => {
  localStorage.removeItem(KEY)
  show()
})
show()

const victim: Victim = {
  thief: setup.foreign,
  probes: [
    { name: 'POST /legacy/refresh', send: () => post('/legacy/refresh', { refreshToken: tokens()?.refreshToken }) },
    { name: 'GET /api/whoami', send: () => callApi('/api/whoami') },
    { name: 'GET /api/orders', send: () => callApi('/api/orders') },
  ],
  call: () => callApi('/api/orders', 'POST'),
  ride: {
    verdict: 'taken',
    headline: 'Yes, and beyond',
    text: 'It placed an order in your name. With the token in hand it can go on from elsewhere, after the page is closed.',
  },
}

answerRuns(setup.app, async ({ attack }) => {
  // An attack finds the page as its user left it: logged in, with a token that is good.
  await callApi('/api/whoami')
  return runScript(attack as Parameters<typeof runScript>[0], victim)
})
