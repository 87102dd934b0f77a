// From the gateway's answer to what the application sees.
import { endOf } from './endpoints.js'
import { SessionError } from './error.js'
import { out } from './state.js'
import type { ClaimsSchema, Snapshot } from './types.js'
import type { SessionAnswer } from './wire.js'

/** Claims that did not change keep their reference. */
export type Reader<C> = (answer: SessionAnswer) => Promise<Snapshot<C>>

export function createReader<C>(schema: ClaimsSchema<C> | undefined): Reader<C> {
  let text: string
  let shaped: C

  return async ({ loggedIn, claims, sid, expiresIn }) => {
    if (loggedIn === false) return out
    if (!loggedIn) throw new SessionError('unreachable', 'bad answer')
    const now = JSON.stringify(claims)
    if (now !== text) {
      const result = await schema?.['~standard'].validate(claims)
      if (result?.issues) throw new SessionError('claims', 'unfit', { cause: result.issues })
      shaped = result ? result.value : (claims as C)
      text = now
    }
    return { status: 'in', claims: shaped, expiresAt: endOf(expiresIn), sid }
  }
}
