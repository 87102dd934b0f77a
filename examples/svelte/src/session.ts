import { createSession } from '@cloakroom/client'

export const session = createSession()
