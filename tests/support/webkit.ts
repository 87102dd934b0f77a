// WebKitGTK's MiniBrowser through WebKitWebDriver, on a display that nobody looks at. It takes no `Secure` cookie from
// http, not even on loopback: so https alone. Nothing that it shows is evidence about Safari.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver'
import { onTestFailed, onTestFinished } from 'vitest'
import { webkitDriverPath } from './programs.ts'
import { freePort, temporaryFolder, until } from './servers.ts'

/** Starts the browser, which ends with the test. Certificates are not judged. */
export async function launchWebkit(): Promise<WebDriver> {
  const runtime = await temporaryFolder()
  const environment = { ...process.env, XDG_RUNTIME_DIR: runtime, HOME: runtime, GDK_BACKEND: 'x11' }
  const screen = start('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], environment)
  const display = await until('a display', () => /^\d+$/m.exec(screen.output())?.[0])
  const port = await freePort()
  const driver = start(webkitDriverPath, [`--port=${port}`], { ...environment, DISPLAY: `:${display}` })
  const server = `http://127.0.0.1:${port}`
  await until('the driver answers', () => {
    if (driver.child.exitCode !== null) throw new Error(`the driver ended with ${driver.child.exitCode}`)
    return fetch(`${server}/status`).then(({ ok }) => ok, () => false)
  })
  const capabilities = new Capabilities({
    'browserName': 'MiniBrowser',
    'acceptInsecureCerts': true,
    'webkitgtk:browserOptions': { args: ['--automation'] },
  })
  const browser = await new Builder().usingServer(server).withCapabilities(capabilities).build()
  onTestFinished(() => browser.quit())
  return browser
}

function start(program: string, options: string[], environment: NodeJS.ProcessEnv) {
  const child: ChildProcess = spawn(program, options, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => { output += text })
  }
  child.on('error', (error) => { output += `${error.message}\n` })
  onTestFailed(() => console.log(`--- the output of ${program}\n${output}---`))
  onTestFinished(async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  return { child, output: () => output }
}
