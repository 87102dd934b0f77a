// A certificate authority of our own and a browser's home that trusts it.
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from './servers.ts'

export interface Certificates {
  /** PEM files of the server. */
  certificate: string
  key: string
  /** A home folder for Chromium, in which the authority is trusted. */
  home: string
}

/** Makes an authority and a certificate for these hosts, and has a browser trust the authority. */
export async function certificatesFor(...hosts: string[]): Promise<Certificates> {
  const folder = await temporaryFolder()
  const path = (name: string) => join(folder, name)
  const openssl = (line: string, ...more: string[]) =>
    execFileSync('openssl', [...line.split(' '), ...more], { stdio: 'pipe', cwd: folder })
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  openssl(`req -x509 ${key} -keyout ca.key -out ca.pem -days 30 -subj`, '/CN=Test authority',
    '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
  await writeFile(path('leaf.cnf'), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\nextendedKeyUsage=serverAuth\n`)
  openssl(`req ${key} -keyout key.pem -out leaf.csr -subj /CN=${hosts[0]}`)
  openssl('x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile leaf.cnf -out cert.pem')
  return { certificate: path('cert.pem'), key: path('key.pem'), home: await homeThatTrusts(path('ca.pem')) }
}

/** A home folder for Chromium, in which the authority of this PEM file is trusted. */
export async function homeThatTrusts(authority: string): Promise<string> {
  const home = await temporaryFolder()
  const database = join(home, '.pki', 'nssdb')
  await mkdir(database, { recursive: true })
  const certutil = (...options: string[]) => execFileSync('certutil', ['-d', `sql:${database}`, ...options], { stdio: 'pipe' })
  certutil('-N', '--empty-password')
  certutil('-A', '-t', 'C,,', '-n', 'test authority', '-i', authority)
  return home
}
