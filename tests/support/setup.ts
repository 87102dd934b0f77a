// Before any test: everything that is built or installed elsewhere is there.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromiumPath, clientPath, firefoxPath, gatewayPath, repository } from './programs.ts'

export default function setup(): void {
  check(chromiumPath, '--version', 'Install Chromium, or set CHROMIUM to its path.')
  check(firefoxPath, '--version', 'Install Firefox ESR, or set FIREFOX to its path.')
  check(gatewayPath, '--help', 'Build it with `cargo build -p cloakroom-gateway`, or set CLOAKROOM_BIN to its path.')
  if (!existsSync(clientPath)) throw new Error(`${clientPath} is not there. Build it with \`npm run build\` in ${repository}.`)
  // Beside the test page, which loads it as a module without a bundler.
  cpSync(clientPath, join(repository, 'tests', 'site', 'client'), { recursive: true })
}

function check(program: string, argument: string, advice: string): void {
  try {
    execFileSync(program, [argument], { stdio: 'ignore', timeout: 20_000 })
  } catch (error) {
    throw new Error(`${program} does not run. ${advice}`, { cause: error })
  }
}
