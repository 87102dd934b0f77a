// From the gateway's answer to what the application sees.
import { endOf } from './endpoints.js'
import { SessionError } from './error.js'
import { out } from './state.js'
import type { ClaimsSchema, LiveSession, Snapshot } from './types.js'
import type { SessionAnswer } from './wire.js'

/** Reads answers; what did not change keeps its reference. `before` is what is known so far. */
export type Reader<C> = (answer: SessionAnswer, before: Snapshot<C>) => Promise<Snapshot<C>>

export function createReader<C>(schema: ClaimsSchema<C> | undefined): Reader<C> {
  let last: { text: string, claims: C } | undefined

  async function shape(claims: unknown): Promise<C> {
    const text = JSON.stringify(claims)
    if (last?.text !== text) last = { text, claims: await validate(claims) }
    return last.claims
  }

  async function validate(claims: unknown): Promise<C> {
    if (!schema) return claims as C
    const result = await schema['~standard'].validate(claims)
    if (result.issues) throw new SessionError('claims', 'the claims do not fit the schema', { cause: result.issues })
    return result.value
  }

  return async ({ loggedIn, claims, sid, expiresIn }, before) => {
    if (!loggedIn || sid === undefined) return out
    const next: Snapshot<C> = {
      status: 'in',
      claims: await shape(claims),
      expiresAt: typeof expiresIn === 'number' ? endOf(expiresIn) : null,
      sid,
    }
    return before.status === 'in' && sid === before.sid && next.claims === before.claims ? freshUntil(before, next.expiresAt) : next
  }
}

/** The same session with another end of its token; answers name whole seconds, so that one end comes out in many ways. */
export function freshUntil<C>(session: LiveSession<C>, expiresAt: number | null): LiveSession<C> {
  const same = expiresAt === session.expiresAt || Math.abs(Number(expiresAt) - Number(session.expiresAt)) < 2000
  return same ? session : { ...session, expiresAt }
}
