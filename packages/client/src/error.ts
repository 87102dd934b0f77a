/**
 * Why the session could not do what was asked of it; `cause` says more, where there is more to say:
 *
 * - `unreachable`: the gateway, or the provider behind it, does not answer. Nobody is logged out by that; try later.
 * - `claims`: the claims did not pass the `claims` schema.
 * - `stream`: this browser cannot send a stream; send a Blob instead.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  readonly reason: 'unreachable' | 'claims' | 'stream'

  constructor(reason: SessionError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
