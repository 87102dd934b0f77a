// Pages that are built before they are served.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from './programs.ts'
import { temporaryFolder } from './servers.ts'

const vite = join(repository, 'node_modules', 'vite', 'bin', 'vite.js')

/** Builds the page in this folder with Vite, as for production; gives the folder of what came of it. */
export async function buildPage(root: string): Promise<string> {
  const outDir = await temporaryFolder()
  const options = ['build', root, '--outDir', outDir, '--emptyOutDir', '--logLevel', 'error']
  // By a process of its own, as libraries and compilers have parts that a test runner's NODE_ENV would switch on.
  await promisify(execFile)(process.execPath, [vite, ...options], { cwd: root, env: { ...process.env, NODE_ENV: 'production' } })
  return outDir
}
