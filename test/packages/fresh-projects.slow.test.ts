import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { transformSync } from 'esbuild'
import { blocksOf } from '../docs/documents.ts'
import { type FreshProject, freshProject } from './fresh-project.ts'

const run = promisify(execFile)

let project: FreshProject
let folder: string
beforeAll(async () => {
  project = await freshProject(['graphql', 'graphql-ws', 'ws', 'react', 'react-dom', '@types/react', '@types/node'])
  folder = project.folder
})
afterAll(() => project?.remove())

const node = async (...args: string[]) => (await run(process.execPath, args, { cwd: folder })).stdout

/** Uses each package: a message arrives, and a server renders the hooks. */
const program = `
async function main() {
  const gateway = await startTestGateway()
  const connectionParams = { token: await gateway.token({ clientId: 'alice' }) }
  const client = createClient({ url: gateway.socketUrl, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 })
  const query = \`subscription Listen($clientId: ID!, $after: Cursor) {
    channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data }
  }\`
  const variables = { clientId: 'alice' }
  const onCheckpoint = () => gateway.publish({ clientId: 'alice', data: 'arrived' })
  for await (const { data } of resumable(client, { query, variables, onCheckpoint })) {
    console.log(data)
    break
  }
  await client.dispose()
  await gateway.close()
  const Page = () => createElement('p', null, useChannel(null, variables).connection, useConnection(null))
  console.log(renderToString(createElement(Page)), typeof keyed, typeof consume, typeof Distributor)
}
main()
`
const imports: readonly [names: string, from: string][] = [
  ['startTestGateway', '@warren/testing'],
  ['resumable', '@warren/client'],
  ['keyed', '@warren/client/state'],
  ['consume', '@warren/client/consume'],
  ['useChannel, useConnection', '@warren/react'],
  ['createClient', 'graphql-ws'],
  ['WebSocket', 'ws'],
  ['createElement', 'react'],
  ['renderToString', 'react-dom/server'],
  ['Distributor', 'warren'],
]
const printed = 'arrived\n<p>connecting<!-- -->idle</p> function function function\n'

describe('Node.js', () => {
  test('loads the packages as ES modules', async () => {
    const code = imports.map(([names, from]) => `import { ${names} } from '${from}'\n`).join('') + program
    writeFileSync(join(folder, 'program.mjs'), code)
    expect(await node('program.mjs')).toBe(printed)
  })

  test('loads the packages as CommonJS', async () => {
    // `require` of the gateway itself, which is ESM only, works from Node.js 20.19 on.
    const code = imports.map(([names, from]) => `const { ${names} } = require('${from}')\n`).join('') + program
    writeFileSync(join(folder, 'program.cjs'), code)
    expect(await node('--no-warnings', 'program.cjs')).toBe(printed)
  })

  test('runs the program of the gateway', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    const { stdout } = await run('npx', ['--no-install', 'warren', '--version'], { cwd: folder })
    expect(stdout).toBe(`${version}\n`)
    expect(await node('-p', "require.resolve('warren/schema.graphql')")).toMatch(/schema\/schema\.graphql\n$/)
  })

  test('runs the test of the guide with node:test', async () => {
    const path = 'docs/guides/test.md'
    const [block] = blocksOf({ path, text: readFileSync(path, 'utf8') }).filter(({ language }) => language === 'ts')
    const { code } = transformSync(block?.text ?? '', { loader: 'ts', format: 'esm' })
    // Node.js 20 has no WebSocket, as the guide mentions.
    const withSocket = code.replace('retryAttempts: 0', 'webSocketImpl: WebSocket, retryAttempts: 0')
    writeFileSync(join(folder, 'guide.test.mjs'), `import { WebSocket } from 'ws'\n${withSocket}`)
    expect(await node('--test', '--test-reporter', 'tap', 'guide.test.mjs')).toMatch(/# pass 1\n# fail 0/)
  })
})

describe('TypeScript', () => {
  const code = `
import { resumable, type ResumableEvent, SubscriptionEnded } from '@warren/client'
import { consume } from '@warren/client/consume'
import { keyed, type Keyed } from '@warren/client/state'
import { useChannel } from '@warren/react'
import { startTestGateway, type TestGateway } from '@warren/testing'

export const gateway: Promise<TestGateway> = startTestGateway({ sdl: '' })
export const entries = (value: Keyed<{ id: string }>): string[] => [...value.entries.keys()]
export const codes = (error: SubscriptionEnded, event: ResumableEvent): string[] => [...error.codes, event.cursor]
export const all = [resumable, consume, keyed, useChannel]
// @ts-expect-error: a number is no client
resumable(1, { query: '' })
`
  /** The compiler of @arethetypeswrong/core: the newest that knows the oldest mode. */
  const old = createRequire(createRequire(import.meta.url).resolve('@arethetypeswrong/core')).resolve(
    'typescript/bin/tsc',
  )
  const current = resolve('node_modules/typescript/bin/tsc')

  test.each([
    ['node10', old, { module: 'commonjs', moduleResolution: 'node10' }, 'ts'],
    ['node16', old, { module: 'node16' }, 'mts'],
    ['node16 as CommonJS', old, { module: 'node16' }, 'cts'],
    ['nodenext', current, { module: 'nodenext' }, 'mts'],
    ['nodenext as CommonJS', current, { module: 'nodenext' }, 'cts'],
    ['bundler', current, { module: 'esnext', moduleResolution: 'bundler' }, 'ts'],
  ])('finds the types: %s', async (name, compiler, options, extension) => {
    const project = join(folder, name.replaceAll(' ', '-'))
    mkdirSync(project)
    writeFileSync(join(project, `index.${extension}`), code)
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023'],
      types: ['node'],
      strict: true,
      noEmit: true,
      ...options,
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }))
    const { stdout } = await run(process.execPath, [compiler, '-p', project]).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).toBe('')
  })
})

test('Vite bundles a page with React', async () => {
  const project = join(folder, 'vite')
  mkdirSync(project)
  writeFileSync(join(project, 'index.html'), '<div id="root"></div><script type="module" src="/page.js"></script>')
  writeFileSync(
    join(project, 'page.js'),
    `import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { createClient } from 'graphql-ws'
import { useChannel } from '@warren/react'
const client = createClient({ url: '/graphql' })
const Page = () => createElement('p', null, useChannel(client, { clientId: 'alice' }).connection)
createRoot(document.getElementById('root')).render(createElement(Page))
`,
  )
  // As Vite's plugin for React does: the directive is for servers, and a bundle needs none.
  writeFileSync(
    join(project, 'vite.config.mjs'),
    `export default {
  build: {
    rollupOptions: { onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning) },
  },
}
`,
  )
  const { stderr } = await run(process.execPath, [resolve('node_modules/vite/bin/vite.js'), 'build'], { cwd: project })
  expect(stderr).toBe('')
  const [script = ''] = readdirSync(join(project, 'dist/assets'))
  const text = readFileSync(join(project, 'dist/assets', script), 'utf8')
  expect(text).toContain('subscription Channel($clientId: ID!')
  expect(text).not.toContain('subscription Handle')
})

test('the hooks are marked for servers that render components', () => {
  for (const name of readdirSync(join(folder, 'node_modules/@warren/react/dist')).filter((path) =>
    /\.c?js$/.test(path),
  ))
    expect(readFileSync(join(folder, 'node_modules/@warren/react/dist', name), 'utf8')).toMatch(/^["']use client["']/)
})
