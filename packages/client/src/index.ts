export { SessionError } from './error.js'
export { createSession } from './session.js'
export type * from './types.js'
