// What `cloakroom dev-cert` makes, and a browser's home that trusts it in the way that the command tells.
import { execFileSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gatewayPath } from './programs.ts'
import { temporaryFolder } from './servers.ts'

export interface Certificates {
  /** PEM files of the server. */
  certificate: string
  key: string
  /** A home folder for Chromium, in which the authority is trusted. */
  home: string
}

/** Makes a certificate for these hosts, and a home in which a browser trusts it. */
export async function certificatesFor(...hosts: string[]): Promise<Certificates> {
  const folder = await temporaryFolder()
  execFileSync(gatewayPath, ['dev-cert', '--out', folder, ...hosts], { stdio: 'pipe' })
  const home = await homeThatTrusts(join(folder, 'ca.pem'))
  return { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), home }
}

/** A home folder for Chromium, in which the authority of this PEM file is trusted. */
export async function homeThatTrusts(authority: string): Promise<string> {
  const home = await temporaryFolder()
  const database = join(home, '.pki', 'nssdb')
  await mkdir(database, { recursive: true })
  const certutil = (...options: string[]) => execFileSync('certutil', ['-d', `sql:${database}`, ...options], { stdio: 'pipe' })
  certutil('-N', '--empty-password')
  certutil('-A', '-t', 'C,,', '-n', 'cloakroom-dev', '-i', authority)
  return home
}
