// The browsers: each test has one to itself, with nothing of another test in it; and what a person does in one.
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, firefox, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, describe, onTestFinished } from 'vitest'
import { user, type Account } from './accounts.ts'
import { chromiumPath, firefoxPath } from './programs.ts'
import { temporaryFolder } from './servers.ts'
import { watchStorage } from './storage.ts'

/** The engines that Playwright drives here. WebKit has a driver of its own: `webkit.ts`. */
export const engines = ['chromium', 'firefox'] as const
export type Engine = typeof engines[number]

/** Runs these tests in each engine. */
export function inEachEngine(tests: (engine: Engine) => void): void {
  describe.for(engines)('in %s', tests)
}

export interface BrowserOptions {
  /** Chromium by default. */
  engine?: Engine
  /** The folder of its profile, where that is to outlive the browser; by default a new one. */
  profile?: string
  /** Further command line options of Chromium. */
  flags?: string[]
  /** Pages that are left are kept for the way back, as in a browser that nobody drives; Firefox does so in any case. */
  backForwardCache?: boolean
  /** A home folder whose certificate store it trusts. */
  home?: string
  /** Firefox's settings (`about:config`) beside the usual ones. */
  preferences?: Record<string, string | number | boolean>
}

// No sandbox, as CI runs as root; the rest keeps the browser from calling home.
const flags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

// Debian's Firefox, through WebDriver BiDi: Playwright's own build is another browser.
const firefoxProgram = { executablePath: firefoxPath, channel: 'moz-firefox' }

/** Starts a browser. */
export async function launch(options: BrowserOptions = {}): Promise<BrowserContext> {
  const context = await (options.engine === 'firefox' ? launchFirefox(options) : launchChromium(options))
  context.setDefaultTimeout(10_000)
  watchStorage(context)
  onTestFinished(() => context.close())
  return context
}

async function launchChromium(options: BrowserOptions): Promise<BrowserContext> {
  const { profile, home } = options
  return chromium.launchPersistentContext(profile ?? (await temporaryFolder()), {
    executablePath: chromiumPath,
    args: [...flags, ...options.flags ?? []],
    ...(options.backForwardCache ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {}),
    ...(home ? { env: { ...process.env, HOME: home } as Record<string, string> } : {}),
  })
}

async function launchFirefox(options: BrowserOptions): Promise<BrowserContext> {
  const { profile, home, preferences } = options
  if (!profile && !home && !preferences) {
    firefoxOfThisFile ??= firefox.launch(firefoxProgram)
    return (await firefoxOfThisFile).newContext()
  }
  const folder = profile ?? (await temporaryFolder())
  // It looks for authorities in its profile.
  if (home) await cp(join(home, '.pki', 'nssdb'), folder, { recursive: true })
  return firefox.launchPersistentContext(folder, { ...firefoxProgram, firefoxUserPrefs: preferences ?? {} })
}

// Firefox takes seconds to start, a context of it (cookies, storage and cache of its own) a tenth of one. So there is
// one Firefox for each test file, unless a test wants its own profile.
let firefoxOfThisFile: Promise<Browser> | undefined

afterAll(async () => {
  await (await firefoxOfThisFile)?.close()
})

/** Types a user's name and password into the provider's form. */
export async function fillLoginForm(page: Page, { name, password }: Account = user): Promise<void> {
  await page.waitForURL(/\/interaction\//)
  await page.locator('input[name=login]').fill(name)
  await page.locator('input[name=password]').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}
