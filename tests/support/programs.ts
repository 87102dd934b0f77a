// The programs under test, as built: `cargo verify` says where they lie, else they are the development build's.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../..', import.meta.url))
const target = process.env['CARGO_TARGET_DIR'] ?? join(repository, 'target')

export const gatewayPath = process.env['CLOAKROOM_BIN'] ?? join(target, 'debug', 'cloakroom')
export const demoPath = process.env['CLOAKROOM_DEMO_BIN'] ?? join(target, 'debug', 'cloakroom-demo')
export const demoSite = join(repository, 'demo', 'web', 'dist')
export const clientPath = join(repository, 'packages', 'client', 'dist')
export const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
export const firefoxPath = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr'
export const webkitDriverPath = process.env['WEBKIT_DRIVER'] ?? '/usr/bin/WebKitWebDriver'

/** A file of an npm package that the tests use, wherever npm put the package. */
export function dependency(name: string, file: string): string {
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), file)
}
