// Pages that are built before they are served.
import { build } from 'vite'
import { temporaryFolder } from './servers.ts'

/** Builds the page in this folder with Vite, as for production; gives the folder of what came of it. */
export async function buildPage(root: string): Promise<string> {
  const outDir = await temporaryFolder()
  // Libraries have checks for development, which a test runner's own NODE_ENV would switch on.
  const define = { 'process.env.NODE_ENV': '"production"' }
  await build({ root, define, logLevel: 'error', build: { outDir, emptyOutDir: true } })
  return outDir
}
