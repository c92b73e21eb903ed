import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license: string
  readonly engines: object
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly publishConfig: object
}

const manifestIn = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
const folders = ['.', ...readdirSync('packages', { withFileTypes: true }).flatMap(folderOf)]
function folderOf(entry: { name: string; isDirectory(): boolean }): string[] {
  return entry.isDirectory() ? [`packages/${entry.name}`] : []
}
const root = manifestIn('.')
const sorted = (names: Iterable<string>) => [...names].sort((one, other) => one.localeCompare(other))

describe('the manifests', () => {
  test('are those of the gateway and its packages, released together under one licence', () => {
    expect(sorted(folders.map((folder) => manifestIn(folder).name))).toEqual([
      '@warren/client',
      '@warren/react',
      '@warren/testing',
      'warren',
    ])
    for (const folder of folders) {
      const { version, license, engines, publishConfig, dependencies, peerDependencies } = manifestIn(folder)
      expect({ folder, version, license, engines }).toEqual({
        folder,
        version: root.version,
        license: 'MIT',
        engines: root.engines,
      })
      expect(publishConfig).toEqual({ access: 'public', provenance: true })
      const ours = Object.entries({ ...dependencies, ...peerDependencies }).filter(([name]) => /^@?warren\b/.test(name))
      expect(ours.filter(([, range]) => range !== root.version)).toEqual([])
    }
    expect(manifestIn('packages/client').dependencies).toBeUndefined()
  })

  test('have the same licence text', () => {
    for (const folder of folders)
      expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toBe(readFileSync('LICENSE', 'utf8'))
  })
})

test('the lock names no registry, and links the packages', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { resolved?: string; link?: boolean }>
  }
  const resolved = Object.entries(packages).flatMap(([path, { resolved: address }]) =>
    address === undefined ? [] : [`${path} ${address}`],
  )
  const links = folders.slice(1).map((folder) => `node_modules/${manifestIn(folder).name} ${folder}`)
  expect(sorted(resolved)).toEqual(sorted(links))
})

describe.each(folders)('the tarball of %s', (folder) => {
  const target = newFolder()
  let tarball: Buffer
  let files: string[]
  beforeAll(() => {
    // Without scripts: `prepare` would build all again.
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', target]
    const printed = execFileSync('npm', args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    const [packed] = Object.values(
      JSON.parse(printed) as Record<string, { filename: string; files: { path: string }[] }>,
    )
    files = packed?.files.map(({ path }) => path) ?? []
    tarball = readFileSync(join(target, packed?.filename ?? ''))
  })
  afterAll(() => removeFolder(target))

  test('has a licence and a README, and nothing that was not meant', () => {
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    const top = new Set(files.map((path) => path.split('/')[0] ?? ''))
    const meant = ['LICENSE', 'README.md', 'package.json', 'dist', ...(folder === '.' ? ['bin', 'docs', 'schema'] : [])]
    expect(sorted(top)).toEqual(sorted(meant))
  })

  test('passes publint', async () => {
    const copy = new Uint8Array(tarball).buffer
    const { messages, pkg } = await publint({ pack: { tarball: copy }, level: 'suggestion', strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  test('has types that fit what is loaded, in each module mode', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(tarball), {
      excludeEntrypoints: ['./schema.graphql', './testing-worker'],
    })
    if (!analysis.types) throw new Error('the package has no types')
    const problems = analysis.problems.map((problem) => JSON.stringify(problem))
    // The gateway is ESM only, for Node.js: its `exports` have no form for the oldest mode, and
    // `require` of ES modules works from Node.js 20.19 on.
    const isEsmOnly = folder === '.'
    const excused = /"kind":"CJSResolvesToESM"|"resolutionKind":"node10"/
    expect(problems.filter((problem) => !(isEsmOnly && excused.test(problem)))).toEqual([])
  })
})

describe.each(folders.slice(1))('each entry point of %s', (folder) => {
  const { name, exports } = manifestIn(folder)
  const entries = Object.keys(exports).filter((path) => path !== './package.json')
  const require = createRequire(import.meta.url)

  test.each(entries)('%s is the same for import and for require', async (entry) => {
    const specifier = `${name}${entry.slice(1)}`
    const imported = (await import(specifier)) as object
    const required = require(specifier) as object
    expect(Object.keys(imported).length).toBeGreaterThan(0)
    expect(sorted(Object.keys(required))).toEqual(sorted(Object.keys(imported)))
  })
})

test('entry points of one package share their classes', async () => {
  const require = createRequire(import.meta.url)
  for (const load of [(name: string) => import(name), require]) {
    const [resume, consume] = [await load('@warren/client'), await load('@warren/client/consume')]
    expect(consume.SubscriptionEnded).toBe(resume.SubscriptionEnded)
  }
})
