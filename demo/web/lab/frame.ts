// The frame's half of the conversation with the demo page.

import type { FrameMessage, Outcome, RunRequest } from '../shared/messages'

/** Runs attacks for the page of `app`, and for no other. */
export function answerRuns(app: string, run: (request: RunRequest) => Promise<Outcome>): void {
  const say = (message: FrameMessage) => parent.postMessage(message, app)

  addEventListener('message', ({ origin, source, data }) => {
    if (origin !== app || source !== parent) return
    const request = data as RunRequest
    run(request)
      .catch((error: Error): Outcome => ({ verdict: 'limited', headline: 'Not run', text: `The attack could not be run: ${error.message}` }))
      .then((outcome) => say({ kind: 'done', id: request.id, outcome }))
  })
  if (parent !== window) say({ kind: 'ready' })
}
