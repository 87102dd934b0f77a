import { createSession, type Snapshot } from '@cloakroom/client'
import { useSyncExternalStore } from 'react'

export const session = createSession()

// What a server renders, and so what the first rendering in the browser must be equal to: nobody knows yet.
const atFirst = session.snapshot

/** The session as it is; the component is rendered anew when it changes. */
export function useSession(): Snapshot {
  return useSyncExternalStore(session.subscribe, () => session.snapshot, () => atFirst)
}
