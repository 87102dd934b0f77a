// Tokens in localStorage, as single-page applications keep them: the code flow with PKCE for a public client
// (RFC 7636), and the refresh. What both hand-kept candidates share.

/** Where the provider is and as what it knows this page; the benchmark serves it. */
interface Settings {
  issuer: string
  clientId: string
}

const settings = await (await fetch('/settings.json')).json() as Settings
const page = location.origin + location.pathname

/** The access token that any tab stored last. */
export function accessToken(): string | null {
  return localStorage.getItem('access_token')
}

/** Begins the code flow. */
export function logIn(): void {
  void begin()
}

async function begin(): Promise<void> {
  const verifier = crypto.randomUUID() + crypto.randomUUID()
  sessionStorage.setItem('verifier', verifier)
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  const challenge = btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  const query = new URLSearchParams({
    client_id: settings.clientId,
    response_type: 'code',
    redirect_uri: page,
    scope: 'openid offline_access',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  })
  location.assign(`${settings.issuer}/auth?${query}`)
}

/** Redeems the code where the page was called with one; gives whether there are tokens. */
export async function loggedIn(): Promise<boolean> {
  const code = new URLSearchParams(location.search).get('code')
  if (code) {
    const code_verifier = sessionStorage.getItem('verifier') ?? ''
    history.replaceState(null, '', page)
    await askForTokens({ grant_type: 'authorization_code', code, code_verifier, redirect_uri: page })
  }
  return accessToken() !== null
}

/** Spends the refresh token that any tab stored last; gives the new access token. */
export function refresh(): Promise<string> {
  const refresh_token = localStorage.getItem('refresh_token') ?? ''
  return askForTokens({ grant_type: 'refresh_token', refresh_token })
}

async function askForTokens(form: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({ ...form, client_id: settings.clientId })
  const answer = await fetch(`${settings.issuer}/token`, { method: 'POST', body })
  if (!answer.ok) throw new Error(`the provider answered ${answer.status}`)
  const { access_token, refresh_token } = await answer.json() as { access_token: string, refresh_token: string }
  localStorage.setItem('access_token', access_token)
  localStorage.setItem('refresh_token', refresh_token)
  return access_token
}
