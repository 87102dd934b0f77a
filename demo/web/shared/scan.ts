// Finds strings that look like tokens: JWTs and JWEs by their shape and header,
// and any other long random string, because a refresh token may be opaque.

/** One suspicious string and the place where it was seen. */
export interface Finding {
  where: string
  value: string
  jwt: boolean
}

const DOTTED = /[\w-]{8,}(?:\.[\w-]*){2,4}/g
const RANDOM = /[\w-]{40,}/g

/** Searches a text; `where` names it in the findings. */
export function scan(where: string, text: string): Finding[] {
  const jwts = [...text.matchAll(DOTTED)].map(([value]) => value).filter(isJwt)
  const rest = jwts.reduce((left, jwt) => left.replaceAll(jwt, ' '), text)
  const randoms = [...rest.matchAll(RANDOM)].map(([value]) => value).filter(looksRandom)
  return [
    ...jwts.map((value) => ({ where, value, jwt: true })),
    ...randoms.map((value) => ({ where, value, jwt: false })),
  ]
}

/** Keeps the first finding of each value. */
export function distinct(findings: Finding[]): Finding[] {
  return [...new Map(findings.toReversed().map((found) => [found.value, found])).values()].toReversed()
}

/** The claims of a JWT, unverified; nothing when it has none that can be read. */
export function claimsOf(jwt: string): Record<string, unknown> | undefined {
  return decode(jwt.split('.')[1] ?? '')
}

function isJwt(value: string): boolean {
  return decode(value.split('.')[0] ?? '')?.['alg'] !== undefined
}

function looksRandom(value: string): boolean {
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value)
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/')))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
