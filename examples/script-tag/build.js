// Puts the page and the client's modules, as they come in its package, into one folder.
import { cpSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const [folder = 'dist'] = process.argv.slice(2)
cpSync(new URL('page', import.meta.url), folder, { recursive: true })
cpSync(dirname(fileURLToPath(import.meta.resolve('@cloakroom/client'))), `${folder}/cloakroom`, { recursive: true })
