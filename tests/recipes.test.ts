// The examples of other frameworks than Vue, each as it stands, behind the gateway.
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createServer } from 'vite'
import { nextUser } from './support/accounts.ts'
import { fillLoginForm, launch, type Engine } from './support/browser.ts'
import { kindsOf } from './support/kinds.ts'
import { buildPage } from './support/page.ts'
import { repository } from './support/programs.ts'
import { temporaryFolder } from './support/servers.ts'
import { expectLoggedIn, expectLoggedOut, expiry, logIn, openWorldOf } from './support/world.ts'

const examples = join(repository, 'examples')

/** Seconds. */
const accessTokenLifetime = 4

// In this mode each answer to an expired token is a marked 401: the page must do all by itself.
const kind = kindsOf('oidc').find(({ mode }) => mode.name === 'jwt')!

interface Example {
  /** Half of them in each. */
  engine: Engine
  /** Gives the folder of the built page. */
  build: () => Promise<string>
}

const pages: Record<string, Example> = {
  'react': { engine: 'chromium', build: () => buildPage(join(examples, 'react')) },
  'svelte': { engine: 'firefox', build: () => buildPage(join(examples, 'svelte')) },
  'angular': { engine: 'chromium', build: () => buildPage(join(examples, 'angular')) },
  'script-tag': { engine: 'firefox', build: copyModules },
}

async function copyModules(): Promise<string> {
  const folder = await temporaryFolder()
  execFileSync(process.execPath, [join(examples, 'script-tag', 'build.js'), folder])
  return folder
}

describe.for(Object.entries(pages))('%s', ([_, { engine, build }]) => {
  test('login, a call with an expired token, and logout in every tab; nothing is left for the next user (rules 2, 8, 9)', async () => {
    const world = await openWorldOf(kind, { accessTokenLifetime, site: await build() })
    const { browser, page } = await logIn(world, '/', await launch({ engine }))
    const orders = page.locator('#orders')
    await page.locator('#load').click()
    await orders.getByText('200 {"subject":"alice"').waitFor()

    await page.reload()
    await expectLoggedIn(page)
    await expiry(world)
    const { refreshes } = world.provider
    const answers: number[] = []
    page.on('response', (answer) => {
      if (answer.url().endsWith('/api/orders')) answers.push(answer.status())
    })
    await page.locator('#load').click()
    await orders.getByText('200 {"subject":"alice"').waitFor()
    expect(answers).toEqual([401, 200])
    expect(world.provider.refreshes).toBe(refreshes + 1)

    // Somebody else logs in at the same browser, without a logout that any page could have heard of.
    const second = await browser.newPage()
    await browser.clearCookies()
    await second.goto(`${world.url}/auth/login?return_to=/`)
    await fillLoginForm(second, nextUser)
    await page.getByText(`logged in as ${nextUser.fullName}`).waitFor()
    expect(await page.content(), 'what is left of alice').not.toMatch(/alice/i)

    await page.locator('#load').click()
    await orders.getByText('200 {"subject":"bob"').waitFor()
    await world.provider.logOut(second)
    await expectLoggedOut(second)
    await expectLoggedOut(page)
    expect(await page.content(), 'what is left of bob').not.toMatch(/bob/i)
  })

  test('an answer that wants a login shows the page as logged out (rules 2, 10)', async () => {
    const world = await openWorldOf(kind, { site: await build() })
    const { browser, page } = await logIn(world, '/', await launch({ engine }))
    await browser.clearCookies()
    await page.locator('#load').click()
    await expectLoggedOut(page)
    await page.locator('#login').waitFor()
  })
})

test('react: a server renders that nobody knows yet, and the browser goes on from there', async () => {
  const root = join(examples, 'react')
  const server = await createServer({ root, logLevel: 'error', appType: 'custom', server: { middlewareMode: true } })
  onTestFinished(() => server.close())
  const { render } = await server.ssrLoadModule('/src/server.tsx')
  const rendered: string = render()
  expect(rendered).toBe('<p>One moment …</p>')

  const site = await buildPage(root)
  const index = join(site, 'index.html')
  const empty = '<div id="root"></div>'
  const html = await readFile(index, 'utf8')
  expect(html).toContain(empty)
  await writeFile(index, html.replace(empty, `<div id="root">${rendered}</div>`))
  const world = await openWorldOf(kind, { site })
  const { page } = await logIn(world)
  const complaints: string[] = []
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.reload()
  await expectLoggedIn(page)
  expect(complaints).toEqual([])
})
