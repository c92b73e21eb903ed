import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { LaunchOptions } from 'playwright-core'
import { debianPackages, locate } from './debian-package.ts'
import { askAtDoor, openDoor } from './door.ts'
import { spawnGuarded } from './guarded-process.ts'
import { newFolder, removeFolder } from './run-folder.ts'

// Has the path of the door for test files, which often run in other processes.
const variable = 'TEST_SHARED_CHROMIUM'

/**
 * Chromium takes only the last list, so this one repeats what Playwright's has against requests of
 * its own and for stable pages.
 */
const disabledFeatures = [
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  // Newer Chromium asks the user before a page of another name reaches this machine; the gateway is
  // tested against older ones.
  'LocalNetworkAccessChecks',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
  // Its popup under the address bar is a page, which takes a second of CPU in each browser.
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'WebUIOmniboxPopup',
]

const flags = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${disabledFeatures.join(',')}`,
  // Chromium calls its maker's servers in spite of these flags, so only the names of this machine
  // resolve.
  '--host-resolver-rules=MAP *.loopback.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]',
]

export interface ChromiumServer {
  /** Of Playwright's server, for `chromium.connect`. Its path is a secret. */
  readonly url: string
  close(): Promise<void>
}

const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')

/** Debian's Chromium (or the program in CHROMIUM_PATH), headless. It ends with this process. */
export async function startChromium(): Promise<ChromiumServer> {
  const folder = newFolder()
  const config = join(folder, 'launch.json')
  const options: LaunchOptions & { readonly host: string } = {
    executablePath: locate(debianPackages.chromium),
    headless: true,
    // The sandbox of Chromium does not work for root.
    chromiumSandbox: process.getuid?.() !== 0,
    args: flags,
    host: '127.0.0.1',
  }
  writeFileSync(config, JSON.stringify(options))
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder }
  const args = [cli, 'launch-server', '--browser', 'chromium', '--config', config]
  const child = spawnGuarded(process.execPath, args, { env, output: 'pipe' })
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  let printed = ''
  const url = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        const found = /^ws:.+$/m.exec(printed)
        if (found) resolve(found[0])
      })
    }
    void exited.then(() => reject(new Error(`Chromium did not start: ${printed}`)))
  })
  const close = async () => {
    child.kill('SIGTERM')
    await exited
    removeFolder(folder)
  }
  try {
    return { url: await url, close }
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

/**
 * jest's main process holds the browser for the length of the run, because a start takes two
 * seconds of CPU. Each test has a context of its own.
 */
export async function offerSharedChromium(): Promise<{ close(): Promise<void> }> {
  const folder = newFolder()
  const path = join(folder, 'door')
  let server: ChromiumServer | undefined
  const door = await openDoor(path, async () => {
    server = await startChromium()
    return server.url
  })
  process.env[variable] = path
  return {
    async close() {
      door.close()
      await server?.close()
      removeFolder(folder)
    },
  }
}

/** Resolves to the URL of the shared browser; starts it at the first call. */
export async function sharedChromium(): Promise<string> {
  const path = process.env[variable]
  if (path === undefined)
    throw new Error(`${variable} is not set: run tests through jest: its global set-up offers the browser.`)
  return await askAtDoor(path)
}
