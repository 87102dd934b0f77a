// The gateway as built, as its own process with a configuration of the test's.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFailed, onTestFinished } from 'vitest'
import { gatewayPath, repository } from './programs.ts'
import { temporaryFolder, until } from './servers.ts'
import { guardStorage } from './storage.ts'

export interface GatewayOptions {
  port: number
  publicUrl: string
  /** `[[provider]]`s with their tables. */
  providers: string
  /** The API. */
  upstream: string
  /** `[[route]]`s beside that of the API. */
  routes?: string
  /** The folder of the page; by default that of `tests/site`. */
  site?: string | undefined
  /** The address of a development server that has the page, in place of a folder. */
  devServer?: string | undefined
  /** Further public URLs. */
  also?: string[]
  /** Keys of `[listen]`, `[session]`, `[cookie]` and `[guard]` beside what every test has. */
  listen?: string | undefined
  session?: string
  cookie?: string | undefined
  guard?: string | undefined
  /** What the secrets in the configuration refer to. */
  environment: Record<string, string>
}

export class Gateway {
  /** All that it has logged, over all its starts. */
  log = ''

  readonly #folder: string
  readonly #environment: Record<string, string>
  #process: ChildProcess | undefined

  private constructor(folder: string, environment: Record<string, string>) {
    this.#folder = folder
    this.#environment = environment
    onTestFinished(() => this.stop())
    onTestFailed(() => console.log(`--- the gateway's log\n${this.log}---`))
  }

  /** Writes the configuration and starts. */
  static start(options: GatewayOptions): Promise<Gateway> {
    return Gateway.startWith(configuration(options), options.environment)
  }

  /** Starts with this configuration, word for word. */
  static async startWith(configuration: string, environment: Record<string, string> = {}): Promise<Gateway> {
    // `[public]`: a text or a list of them, which in TOML look as in JSON.
    for (const [, urls = ''] of configuration.matchAll(/^(?:url|also) = (.+)$/gm)) {
      for (const url of [JSON.parse(urls) as string | string[]].flat()) guardStorage(url)
    }
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'cloakroom.toml'), configuration)
    const gateway = new Gateway(folder, environment)
    await gateway.start()
    return gateway
  }

  /** Starts the process and waits until it accepts connections. */
  async start(): Promise<void> {
    const before = this.log.length
    const child = spawn(gatewayPath, ['run', '--config', join(this.#folder, 'cloakroom.toml')], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => { this.log += text })
    child.on('error', (error) => { this.log += `${gatewayPath}: ${error.message}\n` })
    await until('the gateway listens', () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`)
      return this.log.slice(before).includes('listening')
    }, 20_000)
  }

  /** Ends it as a service manager would, and waits for that. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Ends it without a chance to tidy up. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(impatience)
  }
}

function configuration(options: GatewayOptions): string {
  const text = JSON.stringify // a JSON string is a TOML basic string
  return `
[public]
url = ${text(options.publicUrl)}
also = ${text(options.also ?? [])}

[listen]
address = "127.0.0.1:${options.port}"
${options.listen ?? ''}

${options.providers}
[[route]]
path = "/api"
upstream = ${text(options.upstream)}
${options.routes ?? ''}
${options.devServer ? routeTo(options.devServer) : `[site]\ndir = ${text(options.site ?? join(repository, 'tests', 'site'))}`}

[session]
data_dir = "data"
${options.session ?? ''}

[cookie]
${options.cookie ?? ''}

[guard]
${options.guard ?? ''}
`
}

function routeTo(devServer: string): string {
  return `[[route]]\npath = "/"\nupstream = "${devServer}"\nsession = "none"`
}
