// The one thing that outlives the page: that somebody was logged in. Storage may be forbidden; then there is no hint.

export const HINT = 'cloakroom'

export function readHint(): boolean {
  try {
    return !!localStorage.getItem(HINT)
  } catch {
    return false
  }
}

export function writeHint(loggedIn: boolean): void {
  try {
    if (loggedIn) localStorage.setItem(HINT, '1')
    else localStorage.removeItem(HINT)
  } catch {
    // Without storage the other tabs hear of it by the channel alone.
  }
}
