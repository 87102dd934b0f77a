// What each entry of the packages weighs in a page: bundled and minified by esbuild, then gzip -9, with what the
// application brings itself (Vue, and for @cloakroom/vue the client) left out. A kB is 1000 bytes. Fails above a limit.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** The built entries, with the bytes that they may have; without a limit they are reported only. */
const entries = [
  { name: '@cloakroom/client', file: 'client/dist/index.js', limit: 3000 },
  { name: '@cloakroom/client/live', file: 'client/dist/live.js' },
  { name: '@cloakroom/client/testing', file: 'client/dist/testing.js' },
  { name: '@cloakroom/vue', file: 'vue/dist/index.js', limit: 1200 },
]

/** The bytes of an entry as a browser would fetch them. */
async function size(file) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    packages: 'external',
    write: false,
  })
  return gzipSync(outputFiles[0].contents, { level: 9 }).length
}

console.log('entry                         bytes     limit   share')
for (const { name, file, limit } of entries) {
  const bytes = await size(file)
  const bound = limit === undefined ? '' : `${String(limit).padStart(10)}${String(Math.round(100 * bytes / limit)).padStart(6)} %`
  console.log(`${name.padEnd(28)}${String(bytes).padStart(7)}${bound}`)
  if (limit !== undefined && bytes > limit) {
    console.error(`${name} is ${bytes - limit} bytes too large`)
    process.exitCode = 1
  }
}
