import { signal } from '@angular/core'
import { createSession } from '@cloakroom/client'

export const session = createSession()

const state = signal(session.snapshot)
session.subscribe((snapshot) => state.set(snapshot))

/** The session as it is; templates that read it follow it. */
export const snapshot = state.asReadonly()
