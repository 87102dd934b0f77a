// What may stand between a browser and the gateway: it counts what passes, and can keep an answer back or lose it.
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { serve } from './servers.ts'

/** An answer that has been kept back. */
export interface KeptAnswer {
  status: number
  /** Lets it go on its way. */
  release: () => void
  /** Drops it, as a connection does that breaks. */
  lose: () => void
}

interface Catch {
  path: string
  caught: (answer: KeptAnswer) => void
}

export class Front {
  /** The path and the status of each answer, in their order. */
  readonly passed: { method: string, path: string, status: number }[] = []

  readonly #gateway: number
  readonly #catches: Catch[] = []

  private constructor(gateway: number) {
    this.#gateway = gateway
  }

  /** Stands at `port`, before the gateway at the other port; ends with the test. */
  static async open(port: number, gateway: number): Promise<Front> {
    const front = new Front(gateway)
    await serve((incoming, response) => front.#pass(incoming, response), port)
    return front
  }

  /** How many requests for this path were answered. */
  count(path: string): number {
    return this.passed.filter((one) => one.path === path).length
  }

  /** Keeps back the next answer to a request for this path. */
  keepNext(path: string): Promise<KeptAnswer> {
    return new Promise((caught) => this.#catches.push({ path, caught }))
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method = '', url: path = '', headers } = incoming
    const outgoing = request({ port: this.#gateway, host: '127.0.0.1', method, path, headers }, (answer) => {
      const status = answer.statusCode ?? 0
      this.passed.push({ method, path, status })
      const release = () => {
        response.writeHead(status, answer.rawHeaders)
        answer.pipe(response)
      }
      const index = this.#catches.findIndex((one) => one.path === path)
      const [caught] = index < 0 ? [] : this.#catches.splice(index, 1)
      if (caught) caught.caught({ status, release, lose: () => response.destroy() })
      else release()
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  }
}
