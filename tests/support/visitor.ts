// A visitor without a browser, for tests that need many: cookies per host, redirects by hand.
import { user } from './accounts.ts'
import { rawRequest, sameOriginHeaders, sessionCookie, type World } from './world.ts'

export class Visitor {
  readonly #world: World
  /** Cookies by host, which for cookies has no port. */
  readonly #jar = new Map<string, Map<string, string>>()

  constructor(world: World) {
    this.#world = world
  }

  /** The session cookie's value, as soon as a login has been acknowledged. */
  get session(): string | undefined {
    return this.#cookiesOf(this.#world.url).get(sessionCookie)
  }

  /** Logs in through the provider's form; fails where a browser would show an error. */
  async logIn(): Promise<void> {
    const form = await this.#follow(`${this.#world.url}/auth/login?return_to=/`)
    const credentials = new URLSearchParams({ login: user.name, password: user.password })
    await this.#follow(form, credentials.toString())
    if (!this.session) throw new Error('the login gave no session cookie')
  }

  /** Calls the API with the session; gives the status. */
  async call(path: string): Promise<number> {
    const headers = sameOriginHeaders(this.session ?? '')
    return (await rawRequest(this.#world.url + path, { headers })).status
  }

  /** Requests and follows redirects until there is none; gives the last address. */
  async #follow(url: string, form?: string): Promise<string> {
    for (let hops = 0; hops < 10; hops += 1) {
      const cookies = this.#cookiesOf(url)
      const headers = {
        'cookie': [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'sec-fetch-mode': 'navigate',
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      }
      const method = form === undefined ? 'GET' : 'POST'
      const answer = await rawRequest(url, { method, headers, body: form })
      for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name)
        else cookies.set(name, value)
      }
      const location = answer.headers['location']
      if (typeof location !== 'string') {
        if (answer.status !== 200) throw new Error(`${new URL(url).pathname} answered ${answer.status}`)
        return url
      }
      url = new URL(location, url).href
      form = undefined
    }
    throw new Error('redirected without end')
  }

  #cookiesOf(url: string): Map<string, string> {
    const { hostname } = new URL(url)
    const cookies = this.#jar.get(hostname) ?? new Map<string, string>()
    this.#jar.set(hostname, cookies)
    return cookies
  }
}
