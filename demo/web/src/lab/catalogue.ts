// The attacks of the lab, in words.

import type { ForeignAttack, ScriptAttack } from '../../shared/messages'

/** One row of the lab. */
export type Attack = { title: string; does: string } & (
  | { by: 'script'; name: ScriptAttack }
  | { by: 'foreign'; name: ForeignAttack }
)

export const SCRIPT_ATTACKS: Attack[] = [
  {
    by: 'script',
    name: 'local-storage',
    title: 'Search localStorage',
    does: 'Reads every entry and looks for a token.',
  },
  {
    by: 'script',
    name: 'session-storage',
    title: 'Search sessionStorage',
    does: 'The same, for the storage of this tab.',
  },
  {
    by: 'script',
    name: 'cookies',
    title: 'Read document.cookie',
    does: 'Reads every cookie that scripts may see.',
  },
  {
    by: 'script',
    name: 'indexed-db',
    title: 'Dump IndexedDB',
    does: 'Opens each database and reads all of its stores.',
  },
  {
    by: 'script',
    name: 'globals',
    title: 'Walk the globals',
    does: 'Follows every property from window and from each element, component state included.',
  },
  {
    by: 'script',
    name: 'responses',
    title: 'Read the answers',
    does: 'Sends the page’s requests again (session, refresh, API calls) and reads bodies and headers.',
  },
  {
    by: 'script',
    name: 'ride',
    title: 'Use the session while the page is open',
    does: 'Takes nothing. Calls the API from inside the page, as the page does.',
  },
]

export const FOREIGN_ATTACKS: Attack[] = [
  {
    by: 'foreign',
    name: 'form-post',
    title: 'Post a form',
    does: 'A hidden form posts an order: no preflight stands in its way.',
  },
  {
    by: 'foreign',
    name: 'fetch',
    title: 'Fetch with credentials',
    does: 'A GET and a POST with credentials: "include".',
  },
  {
    by: 'foreign',
    name: 'websocket',
    title: 'Open a WebSocket',
    does: 'CORS does not cover WebSockets: the browser connects to anyone.',
  },
]
