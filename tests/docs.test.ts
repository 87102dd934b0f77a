// What docs show is what there is: the code in them is type-checked against the packages as built, and the files of
// the migration are those of its example. `npx vitest run docs -u` writes them anew.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from './support/programs.ts'
import { temporaryFolder } from './support/servers.ts'

const pages = [
  'README.md',
  'docs/client.md',
  'docs/vue.md',
  'docs/adapters.md',
  'packages/client/README.md',
  'packages/vue/README.md',
]

// What a page's blocks may use without saying where it comes from, so that each can be short.
const known = `
import type { Session } from '@cloakroom/client'
import type { Pinia } from 'pinia'
import type { App, Component } from 'vue'
import type { Router } from 'vue-router'
declare global {
  const session: Session
  const app: App
  const router: Router
  const pinia: Pinia
  const App: Component
}
`

const options = {
  compilerOptions: {
    target: 'ES2023',
    lib: ['ES2023', 'DOM', 'DOM.Iterable'],
    module: 'ESNext',
    moduleResolution: 'bundler',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
  },
}

interface Block {
  /** The page and the line, as a file name. */
  name: string
  text: string
}

/** The blocks of TypeScript and Vue on a page. */
function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(/^```(ts|tsx|vue)\n(.*?)^```$/gms)].map(({ 1: kind, 2: code = '', index }) => {
    const line = text.slice(0, index).split('\n').length
    const module = kind === 'vue' ? code : `${code}\nexport {}\n`
    return { name: `${page.replaceAll(/\W+/g, '-')}-${line}.${kind}`, text: module }
  })
}

test('the code in the docs of the packages is right by its types', async () => {
  const folder = await temporaryFolder()
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options))
  await writeFile(join(folder, 'known.d.ts'), known)
  await writeFile(join(folder, 'session.d.ts'), "export declare const session: import('@cloakroom/client').Session")
  for (const page of pages) {
    const blocks = blocksOf(page, await readFile(join(repository, page), 'utf8'))
    expect(blocks.length, `${page} shows code`).toBeGreaterThan(0)
    for (const { name, text } of blocks) await writeFile(join(folder, name), text)
  }
  const program = join(repository, 'node_modules', 'vue-tsc', 'bin', 'vue-tsc.js')
  const { stdout, status } = spawnSync(process.execPath, [program, '--project', '.'], { cwd: folder, encoding: 'utf8' })
  expect(stdout).toBe('')
  expect(status).toBe(0)
})

test('links in the docs lead somewhere', async () => {
  const files = execFileSync('git', ['ls-files', '*.md'], { cwd: repository, encoding: 'utf8' }).trim().split('\n')
  const texts = new Map(await Promise.all(files.map(async (file) =>
    [file, await readFile(join(repository, file), 'utf8')] as const)))
  const dead: string[] = []
  let looked = 0
  for (const [file, text] of texts) {
    for (const [, link = ''] of text.replaceAll(/^```.*?^```$/gms, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      looked += 1
      const [path = '', anchor] = link.split('#')
      const target = path ? join(dirname(file), path) : file
      const page = texts.get(target)
      const there = anchor && page ? anchorsOf(page).has(anchor) : existsSync(join(repository, target))
      if (!there) dead.push(`${file}: ${link}`)
    }
  }
  expect(looked).toBeGreaterThan(50)
  expect(dead).toEqual([])
})

/** What GitHub calls the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = page.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)
  return new Set([...headings].map(([, heading = '']) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-')))
}

const migration = join(repository, 'examples', 'migration')

/** What git says of the two front ends. */
function diff(...args: string[]): string {
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '--no-renames', ...args], {
    cwd: migration,
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  })
  return stdout
}

/** All files that differ, as a table with their lines. */
function table(): string {
  const rows = diff('--numstat', 'before/src', 'after/src').trim().split('\n').map((line) => {
    const [added = '', removed = '', names = ''] = line.split('\t')
    return { file: /src\/(\S+)/.exec(names)?.[1], added: Number(added), removed: Number(removed) }
  })
  const sum = (of: 'added' | 'removed'): number => rows.reduce((total, row) => total + row[of], 0)
  return [
    '| file | lines removed | lines added |',
    '|---|---|---|',
    ...rows.map(({ file, added, removed }) => `| \`src/${file}\` | ${removed} | ${added} |`),
    `| together | **${sum('removed')}** | **${sum('added')}** |`,
  ].join('\n')
}

/** How one file changes: a new one whole, the diff of one that stays. */
function change(file: string): string {
  if (file === 'cloakroom.after.toml') return changeOf('cloakroom.toml', file)
  const whole = /(?<=\.)(toml|diff)$/.exec(file)?.[0]
  if (whole) return block(whole, readFileSync(join(migration, file), 'utf8'))
  const [before, after] = [`before/${file}`, `after/${file}`]
  if (!existsSync(join(migration, before))) {
    return block('ts', readFileSync(join(migration, after), 'utf8'))
  }
  return changeOf(before, after)
}

function changeOf(before: string, after: string): string {
  const [, ...hunks] = diff('-U2', before, after).split(/^@@.*\n/m)
  return block('diff', hunks.join('…\n'))
}

function block(kind: string, text: string): string {
  return `\`\`\`${kind}\n${text.trimEnd()}\n\`\`\``
}

test('the files and diffs in docs/migration.md are those of the example', async () => {
  const page = join(repository, 'docs', 'migration.md')
  const shown = (await readFile(page, 'utf8')).replaceAll(
    /(<!-- from: (\S+) -->).*?(<!-- end -->)/gs,
    (_, start: string, file: string, end: string) => `${start}\n${file === 'all' ? table() : change(file)}\n${end}`,
  )
  await expect(shown).toMatchFileSnapshot(page)
})

test('the packages as published bring their README and both licences', () => {
  for (const name of ['@cloakroom/client', '@cloakroom/vue']) {
    const packing = spawnSync('npm', ['pack', '--dry-run', '--json', '--workspace', name], { cwd: repository, encoding: 'utf8' })
    const [packed] = JSON.parse(packing.stdout.slice(packing.stdout.indexOf('['))) as { files: { path: string }[] }[]
    const files = packed?.files.map(({ path }) => path)
    expect(files, name).toEqual(expect.arrayContaining(['README.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'dist/index.js']))
  }
})
