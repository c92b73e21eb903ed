import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { transformSync } from 'esbuild'
import { blocksOf } from '../docs/documents.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/network/ports.ts'
import { spawnGuarded } from '../support/processes/guarded-process.ts'
import { type FreshProject, freshProject } from './fresh-project.ts'

const run = promisify(execFile)

/** Next.js is 300 MB: half a minute from a registry nearby. */
const installMs = 1_200_000

let project: FreshProject
beforeAll(async () => {
  const used = ['graphql', 'graphql-ws', 'ws', 'react', 'react-dom', 'jest', 'next@16.4.6', 'vitest@4.1.12']
  project = await freshProject(used)
}, installMs)
afterAll(() => project?.remove())

/** The time limit for the runners, as an argument. A busy machine exceeds their 5 s. */
const patient = '120000'

/** Without the variables of this jest, and without reports to a maker. */
const env = (more: Record<string, string> = {}): Record<string, string> => {
  const own = new Set(['JEST_WORKER_ID', 'NODE_ENV', 'NODE_OPTIONS'])
  const others = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || own.has(name) ? [] : [[name, value] as const],
  )
  return { ...Object.fromEntries(others), NEXT_TELEMETRY_DISABLED: '1', ...more }
}

/** A runner that does not end is ended, so that what it printed is read. In milliseconds. */
const endMs = 240_000

/** Rejects with what the program printed. */
async function runIn(cwd: string, args: readonly string[], more: Record<string, string> = {}): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, args, { cwd, env: env(more), timeout: endMs }).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`${args.join(' ')}:\n${error.stdout}\n${error.stderr}`)
    },
  )
  return stdout + stderr
}

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(project.folder, path, '..'), { recursive: true })
    writeFileSync(join(project.folder, path), text)
  }
}

describe('Next.js', () => {
  const client = `'use client'
import { createClient } from 'graphql-ws'
import { useChannel, useConnection } from '@warren/react'

const client = createClient({ url: 'ws://localhost:4000/graphql', retryAttempts: 0 })

export function Messages({ clientId }) {
  const { connection } = useChannel(client, { clientId })
  return <p>{clientId} is {connection}, {useConnection(client)}</p>
}
`
  const page = (clientId: string, more = '') => `import { Messages } from '../messages.jsx'
${more}
export default function Page() {
  return <Messages clientId="${clientId}" />
}
`
  const folder = () => join(project.folder, 'next')
  const next = () => join(project.folder, 'node_modules/next/dist/bin/next')

  beforeAll(async () => {
    write({
      'next/package.json': JSON.stringify({ name: 'fresh-next', private: true }),
      'next/app/layout.jsx':
        'export default function Layout({ children }) {\n  return <html lang="en"><body>{children}</body></html>\n}\n',
      'next/app/messages.jsx': client,
      'next/app/built/page.jsx': page('alice'),
      'next/app/asked/page.jsx': page('bob', "export const dynamic = 'force-dynamic'"),
    })
  })

  test(
    'builds a page with the hooks, and renders it at the build and at a request',
    async () => {
      const output = await runIn(folder(), [next(), 'build'])
      expect(output).toContain('Compiled successfully')
      const built = readFileSync(join(folder(), '.next/server/app/built.html'), 'utf8')
      expect(textOf(built)).toContain('alice is connecting')

      const port = await freePort()
      const server = spawnGuarded(process.execPath, [next(), 'start', folder(), '--port', String(port)], {
        env: env(),
        output: 'ignore',
      })
      try {
        const asked = await eventually('a page of Next.js', async () => {
          const response = await fetch(`http://127.0.0.1:${port}/asked`).catch(() => undefined)
          return response?.text()
        })
        expect(textOf(asked)).toContain('bob is connecting')
      } finally {
        server.kill('SIGKILL')
      }
    },
    installMs,
  )
})

/** Without the comments with which React separates texts. */
function textOf(html: string): string {
  return html.replaceAll('<!-- -->', '')
}

describe('the test of the guide', () => {
  const path = 'docs/guides/test.md'
  const [block] = blocksOf({ path, text: readFileSync(path, 'utf8') }).filter(({ language }) => language === 'ts')
  /** With the names of the runner, and with `ws`, because Node.js 20 has no WebSocket. */
  const testFor = (runner: string, format: 'esm' | 'cjs'): string => {
    const code = (block?.text ?? '')
      .replace(
        "import { after, before, test } from 'node:test'",
        `import { afterAll, beforeAll, test } from '${runner}'`,
      )
      .replace('after(', 'afterAll(')
      .replace('before(', 'beforeAll(')
      .replace('retryAttempts: 0', 'webSocketImpl: WebSocket, retryAttempts: 0')
    return transformSync(`import { WebSocket } from 'ws'\n${code}`, { loader: 'ts', format }).code
  }

  test('passes in vitest', async () => {
    write({
      'vitest/package.json': JSON.stringify({ name: 'fresh-vitest', private: true, type: 'module' }),
      'vitest/guide.test.js': testFor('vitest', 'esm'),
    })
    const vitest = join(project.folder, 'node_modules/vitest/vitest.mjs')
    expect(
      await runIn(join(project.folder, 'vitest'), [
        vitest,
        'run',
        '--no-color',
        '--testTimeout',
        patient,
        '--hookTimeout',
        patient,
      ]),
    ).toMatch(/Tests +1 passed/)
  })

  test.each([
    ['CommonJS', 'cjs', 'guide.test.cjs', {}],
    ['ES modules', 'esm', 'guide.test.mjs', { NODE_OPTIONS: '--experimental-vm-modules' }],
  ] as const)('passes in jest, as %s', async (_what, format, file, more) => {
    const folder = `jest-${format}`
    write({
      [`${folder}/package.json`]: JSON.stringify({ name: `fresh-jest-${format}`, private: true }),
      [`${folder}/${file}`]: testFor('@jest/globals', format),
    })
    const jest = join(project.folder, 'node_modules/jest/bin/jest.js')
    const output = await runIn(
      join(project.folder, folder),
      [jest, '--ci', '--no-color', '--testTimeout', patient],
      more,
    )
    expect(output).toMatch(/Tests: +1 passed, 1 total/)
    // A handle that is left would keep jest from its end.
    expect(output).not.toMatch(/did not exit|open handles/i)
  })
})
