// That nothing which the gateway can do is left out of the suite.
import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { modes, sources } from './support/kinds.ts'
import { gatewayPath } from './support/programs.ts'

test('the table has a row for each mode and each kind of provider that the gateway knows', () => {
  const schema = JSON.parse(execFileSync(gatewayPath, ['schema'], { encoding: 'utf8' })) as Schema
  const { session, provider } = schema.properties ?? {}
  expect(choices(session?.properties?.['mode'], 'server'), 'session modes').toEqual(modes.map(({ name }) => name).sort())
  const kind = (provider?.items?.oneOf ?? [provider?.items]).map((variant) => variant?.properties?.['kind'])
  expect(kind.flatMap((one) => choices(one, 'oidc')).sort(), 'kinds of provider').toEqual(Object.keys(sources).sort())
})

test('the suite runs for each source of the table, in a file of its own so that they run side by side', async () => {
  const files = (await readdir(import.meta.dirname)).filter((name) => /^modes\..+\.test\.ts$/.test(name))
  expect(files.sort()).toEqual(Object.keys(sources).map((source) => `modes.${source}.test.ts`).sort())
})

/** As much of JSON Schema as the gateway's has. */
interface Schema {
  properties?: Record<string, Schema>
  items?: Schema
  oneOf?: Schema[]
  enum?: string[]
  const?: string
}

/** The values that a key may have; `only` for a key that is not there yet. */
function choices(key: Schema | undefined, only: string): string[] {
  if (!key) return [only]
  return [...(key.oneOf ?? [key]).flatMap((one) => one.enum ?? one.const ?? [])].sort()
}
