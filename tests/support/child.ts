// A program that a test runs: its output is remembered, shown if the test fails, and it ends with the test.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { onTestFailed, onTestFinished } from 'vitest'
import { until } from './servers.ts'

export class Child {
  /** All that it has printed. */
  output = ''

  readonly #process: ChildProcess

  constructor(program: string, options: string[], environment: Record<string, string> = {}) {
    const child = spawn(program, options, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => { this.output += text })
    }
    onTestFailed(() => console.log(`--- the output of ${options[0]}\n${this.output}---`))
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    })
  }

  /** Waits until it has printed this. */
  async says(text: string): Promise<void> {
    await until(`"${text}" from the program`, () => {
      if (this.#process.exitCode !== null) throw new Error(`the program ended with ${this.#process.exitCode}`)
      return this.output.includes(text)
    }, 20_000)
  }
}
