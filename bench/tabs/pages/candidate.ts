// What every page offers to the benchmark: a login, and six requests at once.

/** A client of an API, as an application would have it. */
export interface Candidate {
  /** Leaves the page for the login; comes back to it. */
  logIn: () => void
  /** Whether this page is logged in and ready to send. */
  ready: () => Promise<boolean>
  /** Sends one request; gives the status of the answer. May reject. */
  send: (method: 'GET' | 'POST', path: string, body?: string) => Promise<number>
}

/** What became of six requests; times are milliseconds since 1970. */
export interface Result {
  started: number
  ended: number
  lost: number
}

/** What the benchmark calls in the page. */
export interface Bench {
  logIn: () => void
  ready: () => Promise<boolean>
  run: () => Promise<Result>
}

declare global {
  interface Window { bench?: Bench }
}

/** Makes the candidate known to the benchmark. */
export function offer({ logIn, ready, send }: Candidate): void {
  const answered = (number: number) => {
    const path = `/api/orders/${number}`
    const status = number % 2 === 0 ? send('GET', path) : send('POST', path, JSON.stringify({ number }))
    return status.then((status) => status === 200, () => false)
  }
  async function run(): Promise<Result> {
    const started = Date.now()
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].map(answered))
    return { started, ended: Date.now(), lost: answers.filter((good) => !good).length }
  }
  window.bench = { logIn, ready, run }
}
