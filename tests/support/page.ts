// Pages that are built before they are served.
import { build } from 'vite'
import { temporaryFolder } from './servers.ts'

/** Builds the page in this folder with Vite; gives the folder of what came of it. */
export async function buildPage(root: string): Promise<string> {
  const outDir = await temporaryFolder()
  await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } })
  return outDir
}
