// The API's answers. It describes the token that it got and never repeats it.

/** The access token as the API saw it; times in seconds since 1970. */
export interface TokenReport {
  algorithm: string
  subject: string
  /** The first characters of the token's id. */
  id: string
  issuedAt: number
  expiresAt: number
  expiresIn: number
  /** Characters in the token. */
  length: number
}

/** The request as it reached the API. */
export interface Received {
  method: string
  path: string
  /** Names of the cookies that came along. */
  cookies: string[]
  token: TokenReport
}

export interface Order {
  number: number
  item: string
}

/** Every answer of the API says what it received. */
export interface ApiAnswer {
  received: Received
  orders?: Order[]
  order?: Order
  user?: { subject: string; name: string }
}

/** A request that the page makes. */
export interface ApiCall {
  method: 'GET' | 'POST'
  path: string
  label: string
  body?: string
}

export const CALLS = {
  orders: { method: 'GET', path: '/api/orders', label: 'List my orders' },
  whoami: { method: 'GET', path: '/api/whoami', label: 'Who am I?' },
  order: { method: 'POST', path: '/api/orders', label: 'Order a coat hanger', body: 'item=coat+hanger' },
} as const satisfies Record<string, ApiCall>

/** The init for `fetch`. */
export function initOf(call: ApiCall): RequestInit {
  return call.body === undefined ? { method: call.method } : { method: call.method, body: new URLSearchParams(call.body) }
}
