// Chromium with a profile of its own, and what a person does in it.
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { user, type Account } from './accounts.ts'
import { chromiumPath } from './programs.ts'
import { temporaryFolder } from './servers.ts'

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

export interface BrowserOptions {
  /** Further command line options. */
  flags?: string[]
  /** The home folder, whose certificate store it trusts. */
  home?: string
}

/** Starts Chromium with this profile, or with a new one. */
export async function launch(profile?: string, options: BrowserOptions = {}): Promise<BrowserContext> {
  const { home } = options
  const context = await chromium.launchPersistentContext(profile ?? (await temporaryFolder()), {
    executablePath: chromiumPath,
    args: [...flags, ...options.flags ?? []],
    ...(home ? { env: { ...process.env, HOME: home } as Record<string, string> } : {}),
  })
  context.setDefaultTimeout(10_000)
  onTestFinished(() => context.close())
  return context
}

/** Types a user's name and password into the provider's form. */
export async function fillLoginForm(page: Page, { name, password }: Account = user): Promise<void> {
  await page.waitForURL(/\/interaction\//)
  await page.locator('input[name=login]').fill(name)
  await page.locator('input[name=password]').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}
