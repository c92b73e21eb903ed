import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from '@jest/globals'
import { violations } from './support/architecture-rules.ts'
import { longSubjects } from './support/commit-subjects.ts'
import { patienceMs } from './support/patience.ts'
import { listedWords, wordReasons } from './support/word-list.ts'

test('the source keeps the rules of the architecture', () => {
  const source = new Map([...filesIn('src')].filter(([path]) => /\.tsx?$/.test(path)))
  expect(source.size).toBeGreaterThan(50)
  expect(violations(source)).toEqual([])
})

/** The filter of `npm run test:unit`. */
const unitTests = createRequire(import.meta.url)('./support/jest/unit-tests.cjs') as ((paths: string[]) => {
  filtered: string[]
}) & { wayOutside(path: string): string[] | undefined }

describe('unit tests', () => {
  test('include all tests of the core and of the hot window', () => {
    const tests = [...filesIn('test/core').keys(), ...filesIn('test/hot-window').keys()].filter((path) =>
      path.endsWith('.test.ts'),
    )
    expect(tests.length).toBeGreaterThan(10)
    expect(tests.map((path) => unitTests.wayOutside(path))).toEqual(tests.map(() => undefined))
  })

  test.each([
    ['test/transports/room/room.test.ts'],
    ['test/e2e/tcp-client.test.ts'],
    ['test/brokers/rabbitmq/publish/publisher.test.ts'],
  ])('do not include %s, which opens sockets or starts processes', (path) => {
    expect(unitTests([path])).toEqual({ filtered: [] })
    expect(unitTests.wayOutside(path)?.length).toBeGreaterThan(1)
  })
})

const thisFile = 'test/architecture.test.ts'

test('no test is tried twice', () => {
  const retrying = [...filesIn('test')].filter(([path, text]) => path !== thisFile && text.includes('retryTimes'))
  expect(retrying.map(([path]) => path)).toEqual([])
})

describe('time limits of tests', () => {
  const { testTimeout } = (JSON.parse(readFileSync('package.json', 'utf8')) as { jest: { testTimeout: number } }).jest
  /** A machine of CI is a few times slower than that of a developer, and runs other tests too. */
  const ownLimits = [
    [/\b(?:withinMs|timeout): ([\d_]+)/g, patienceMs],
    [/\.(?:next|ready|alive)\(([\d_]+)\)/g, patienceMs],
    [/\},\s+(\d{2,}_\d{3}),?\s*\)$/gm, testTimeout],
  ] as const
  const tooShort = (files: ReadonlyMap<string, string>) =>
    [...files].flatMap(([path, text]) =>
      ownLimits.flatMap(([pattern, leastMs]) =>
        [...text.matchAll(pattern)].flatMap(([, limit = '']) =>
          Number(limit.replaceAll('_', '')) < leastMs ? [`${path}: ${limit}`] : [],
        ),
      ),
    )

  test('are no shorter than those of all tests', () => {
    const tests = [...filesIn('test')].filter(([path]) => path.endsWith('.test.ts') && path !== thisFile)
    expect(tooShort(new Map(tests))).toEqual([])
  })

  test.each([
    ['a wait', "eventually('x', ready, { withinMs: 5_000 })"],
    ['a wait for a page', "page.getByText('x').waitFor({ timeout: 20_000 })"],
    ['a wait for an event', 'await events.next(5_000)'],
    ['a test', "test('x', async () => {\n}, 60_000)\n"],
    ['a formatted test', "test(\n  'x',\n  async () => {\n  },\n  60_000,\n)\n"],
  ])('are found in %s', (_what, text) => {
    expect(tooShort(new Map([['test/a.test.ts', text]]))).toHaveLength(1)
  })
})

describe('each rule rejects what breaks it', () => {
  const core = (names: string, text: (name: string) => string) =>
    Object.fromEntries(names.split('').map((name) => [`src/core/${name}.ts`, text(name)]))

  test.each<[what: string, files: Record<string, string>, sentence: string]>([
    [
      'an import of a higher layer',
      { 'src/core/delivery/hub.ts': "import { open } from '../../app/open.ts'" },
      'core (layer 1) imports app (layer 7)',
    ],
    [
      'a type from a higher layer',
      { 'src/core/a.ts': "import type { A } from '../graphql/a.ts'" },
      'core (layer 1) imports graphql (layer 4)',
    ],
    [
      'an export from a higher layer',
      { 'src/hot-window/a.ts': "export * from '../transports/b.ts'" },
      'hot-window (layer 2) imports transports (layer 5)',
    ],
    [
      'a dynamic import of a higher layer',
      { 'src/graphql/a.ts': "const b = await import('../cli/b.ts')" },
      'graphql (layer 4) imports cli (layer 9)',
    ],
    [
      'a type written as an import',
      { 'src/errors.ts': "let a: import('./core/a.ts').A" },
      'errors (layer 0) imports core (layer 1)',
    ],
    [
      'an import of the composition root',
      { 'src/config/a.ts': "import '../app/open.ts'" },
      'config (layer 6) imports app (layer 7)',
    ],
    [
      'an import between folders of one layer',
      { 'src/registries/a.ts': "import '../brokers/rabbitmq/b.ts'" },
      'registries imports its sibling brokers',
    ],
    [
      'an import between two transports',
      { 'src/transports/tcp/a.ts': "import '../rest/b.ts'" },
      'transports/tcp imports its sibling transports/rest',
    ],
    [
      'an import of a transport by what transports share',
      { 'src/transports/flow/a.ts': "import '../graphql/ws/b.ts'" },
      'transports/flow (layer 0) imports transports/graphql (layer 2)',
    ],
    [
      'an import between two brokers',
      { 'src/brokers/embedded/a.ts': "import '../rabbitmq/b.ts'" },
      'brokers/embedded imports its sibling brokers/rabbitmq',
    ],
    ['a folder in no layer', { 'src/cellar/a.ts': '' }, 'the folder cellar is in no layer'],
    [
      'an import from outside src',
      { 'src/cli/a.ts': "import '../../test/b.ts'" },
      'imports test/b.ts, which is not in src',
    ],
    [
      'a circle, type imports included',
      {
        'src/core/a.ts': "import { b } from './b.ts'",
        'src/core/b.ts': "import { c } from './c.ts'",
        'src/core/c.ts': "import type { A } from './a.ts'",
      },
      'a circle of imports: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts',
    ],
    ['more than 12 files in a folder', core('abcdefghijklm', () => ''), 'src/core: 13 files; at most 12'],
    [
      'an interface and a class of one name',
      { 'src/auth/a.ts': 'export interface Verdict {}', 'src/core/b.ts': 'export class Verdict {}' },
      'src/core/b.ts: exports Verdict, as src/auth/a.ts does',
    ],
    [
      'a type alias of a name that exists',
      { 'src/auth/a.ts': 'export type Verdict = string', 'src/core/b.ts': 'export type Verdict = number' },
      'src/core/b.ts: exports Verdict, as src/auth/a.ts does',
    ],
    [
      'amqplib outside the folder that owns it',
      { 'src/brokers/rabbitmq/publish/a.ts': "import type { Channel } from 'amqplib'" },
      'imports amqplib, which only src/brokers/rabbitmq/connection/ does',
    ],
    [
      'an unknown name in a comment',
      { 'src/core/a.ts': '/** Calls `hub.detach()`. */\nconst hub = 1' },
      'a comment names `hub.detach()`, and there is no detach',
    ],
    [
      'a comment of more than 100 columns',
      { 'src/core/a.ts': `\n  // ${'a'.repeat(100)}` },
      'src/core/a.ts:2: a comment of 105 columns; at most 100',
    ],
    ['process.env', { 'src/auth/a.ts': 'const a = process.env.A' }, 'reads the environment'],
    ["process['env']", { 'src/auth/a.ts': "const a = process['env']" }, 'reads the environment'],
    ['env taken from process', { 'src/auth/a.ts': 'const { env } = process' }, 'reads the environment'],
    ['env imported', { 'src/cli/a.ts': "import { env } from 'node:process'" }, 'reads the environment'],
    ['console', { 'src/transports/a.ts': 'console.log(1)' }, 'writes output'],
    ['standard output', { 'src/app/open.ts': "process.stdout.write('a')" }, 'writes output'],
    ['a vague file name', { 'src/graphql/utils.ts': '' }, 'a vague name'],
    ['a vague folder name', { 'src/graphql/types/a.ts': '' }, 'a vague name'],
    ['a package in the core', { 'src/core/a.ts': "import { z } from 'zod'" }, 'core imports the package zod'],
    [
      'a Node.js module in the client',
      { 'src/client/a.ts': "import 'node:crypto'" },
      'client imports node:crypto, which a browser does not have',
    ],
    [
      'a library of a client outside its adapter',
      { 'src/client/a.ts': "import { Client } from '@urql/core'" },
      'imports @urql/core, which only src/client/adapters/ does',
    ],
  ])('%s', (_what, files, sentence) => {
    expect(violations(new Map(Object.entries(files)))).toEqual([expect.stringContaining(sentence)])
  })

  test('and accepts what only resembles it', () => {
    const allowed = {
      'src/app/open.ts': "import { load } from '../config/load/load.ts'\nimport { a } from '../errors.ts'",
      'src/cli/a.ts': "import { a } from '../core/a.ts'\nprocess.stdout.write(a)",
      'src/core/a.ts':
        "import { hash } from 'node:crypto'\n// console.log(process.env)\nconst page = '<script>console.log(1)</script>'",
      'src/config/a.ts': 'const { env } = process',
      'src/graphql/channels/a.ts': "import { b } from '../queries/b.ts'",
      'src/transports/tcp/a.ts': "import { b } from '../flow/outbox.ts'\nprocess.on('exit', b)",
      'src/transports/graphql/a.ts': "import { b } from '../websocket/b.ts'",
      'src/brokers/rabbitmq/connection/a.ts': "import amqp from 'amqplib'",
      'src/brokers/rabbitmq/b.ts': "import { a } from '../driver.ts'\n// See `hash`, `a b` and `a/b.ts`.",
      ...core('bcdefghijkl', (name) => `export const ${name} = 1\nconst long = '${'a'.repeat(120)}'`),
    }
    expect(violations(new Map(Object.entries(allowed)))).toEqual([])
  })
})

describe('the words of comments, test names and pages', () => {
  /** Folders and files with text for readers. */
  const readmes = ['client', 'react', 'testing'].map((name) => `packages/${name}/README.md`)
  const checked = [
    'src',
    'test',
    'bench',
    'docs',
    ...readmes,
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
  ]

  test('are not on the list', () => {
    expect(listedWords(new Map(checked.flatMap((path) => [...filesIn(path)])))).toEqual([])
  })

  test.each([...wordReasons.keys()])('do not include “%s”', (word) => {
    const found = listedWords(
      new Map([
        ['a.md', `One line,\nanother with ${word}.`],
        ['src/a.ts', `const a = '${word}'\n/** ${word} */`],
        ['test/a.test.ts', `test('that ${word} is found', () => {})`],
        ['test/b.test.ts', `test.each([\n['one ${word}', 1],\n['other', 2]])('%s', () => {})`],
      ]),
    )
    const reason = wordReasons.get(word)
    expect(found).toEqual(
      ['a.md:2', 'src/a.ts:2', 'test/a.test.ts:1', 'test/b.test.ts:2'].map((place) => `${place}: “${word}”: ${reason}`),
    )
  })

  test('are not looked for in code', () => {
    const code = [
      ['a.md', 'The field `heard`:\n```ts\nconst nobody = 1\n```\nand hearing.'],
      ['src/a.ts', "const says = 'nobody'\n// Calls `tell`.\nconst url = 'http://said'"],
      ['test/a.test.ts', "test('a', () => { say('whose') })"],
    ] as const
    expect(listedWords(new Map(code))).toEqual([])
  })
})

test('commit subjects have at most 72 characters', () => {
  const long = longSubjects()
  if (typeof long === 'string') console.warn(`commit subjects are not checked: ${long}`)
  else expect(long).toEqual([])
})

test('every test file with a recorded duration exists', () => {
  const seconds = JSON.parse(readFileSync('test/support/jest/durations.json', 'utf8')) as Record<string, number>
  expect(Object.keys(seconds).filter((path) => !existsSync(path))).toEqual([])
})

/** The text files in a folder, or the file itself, as path → text. */
function filesIn(path: string): Map<string, string> {
  const paths = /\.\w+$/.test(path)
    ? [path]
    : readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(m?[jt]sx?|md)$/.test(entry.name))
        .map((entry) => `${entry.parentPath}/${entry.name}`)
  const made = /^(?:src\/console\/api\/generated|docs\/\.vitepress\/(?:node_modules|dist|cache))\//
  const written = paths.filter((file) => !made.test(file))
  return new Map(written.map((file) => [file, readFileSync(file, 'utf8')]))
}
