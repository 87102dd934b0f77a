// Plain HTTP servers on loopback, free ports and temporary folders. What is opened here during a test is
// closed when that test ends, however it ends.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

// Below the ports that kernels hand out by themselves (Linux from 32768, others from 49152), so that nobody who
// takes any port takes one of these before its user does; a range for each worker, begun at random so that
// two runs seldom meet.
const portsPerWorker = 2_000
const firstPort = 20_000 + portsPerWorker * (Number(process.env['VITEST_POOL_ID'] ?? 0) % 6)
let ports = Math.floor(Math.random() * portsPerWorker)

/** A port of 127.0.0.1 that nobody listens on, and that `freePort` gives nobody else soon. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + (ports++ % portsPerWorker)
    const server = createServer()
    const free = await listen(server, port).then(() => true, () => false)
    if (!free) continue
    await close(server)
    return port
  }
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cloakroom-e2e-'))
  // A browser that is just ending may still write into its profile.
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
  return folder
}

/** Serves on 127.0.0.1 until the test ends; 0 takes any port. Gives the port. */
export async function serve(handler: RequestListener, port = 0): Promise<{ port: number, server: Server }> {
  const server = createServer(handler)
  const taken = await listen(server, port)
  onTestFinished(() => close(server))
  return { port: taken, server }
}

/** Listens on 127.0.0.1 and gives the port. */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** Ends a server with all its connections; does nothing if it does not run. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** The whole body of a request. */
export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The whole body of a request as text. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  return (await bytesOf(request)).toString('utf8')
}

/** Waits until `condition` gives something other than false, undefined or null; fails with `what` after `milliseconds`. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  milliseconds = 10_000,
): Promise<Exclude<T, false | undefined | null>> {
  const end = Date.now() + milliseconds
  for (;;) {
    const value = await condition()
    if (value !== false && value !== undefined && value !== null) {
      return value as Exclude<T, false | undefined | null>
    }
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
