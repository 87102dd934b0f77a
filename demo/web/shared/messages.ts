// What the pages of the attack lab say to one another by postMessage.
// No message ever carries a token: findings are put into words before they leave a page.

/** How an attack ended: the attacker has something, has nothing, or it takes a closer look. */
export type Verdict = 'taken' | 'nothing' | 'limited'

/** The end of one attack, in words. */
export interface Outcome {
  verdict: Verdict
  headline: string
  text: string
}

/** Attacks by a script that was injected into a page. */
export type ScriptAttack =
  | 'local-storage'
  | 'session-storage'
  | 'cookies'
  | 'indexed-db'
  | 'globals'
  | 'responses'
  | 'ride'

/** Attacks by a page of another site. */
export type ForeignAttack = 'form-post' | 'fetch' | 'websocket'

/** "Run this attack", from the demo page to a page in a frame. */
export interface RunRequest {
  kind: 'run'
  id: string
  attack: ScriptAttack | ForeignAttack
  /** Where a foreign page sends its requests; absent for a script attack. */
  target?: string
}

/** What a page in a frame answers. */
export type FrameMessage =
  | { kind: 'ready' }
  | { kind: 'done'; id: string; outcome: Outcome }

/** Where the parts of the lab live (answered by the demo's own server). */
export interface Addresses {
  /** Origin of the page that the gateway serves. */
  app: string
  /** Origin of the page that keeps its token in localStorage. */
  storage: string
  /** Origin of the foreign site, which is the thief's server too. */
  foreign: string
}
