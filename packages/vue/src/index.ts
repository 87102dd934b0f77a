export { requireLogin, type GuardOptions, type GuardTarget, type LoginGuard } from './guard.js'
export { sessionKey, sessionPlugin, useSession, type VueSession } from './plugin.js'
export { resetOnLogout, type Resettable } from './reset.js'
