import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { violations } from './support/architecture-rules.ts'

test('the source keeps the rules of the house', () => {
  const paths = readdirSync('src', { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
  expect(paths.length).toBeGreaterThan(50)
  expect(violations(new Map(paths.map((path) => [path, readFileSync(path, 'utf8')])))).toEqual([])
})

test('the test files that are begun first are there, once each', () => {
  const slow = JSON.parse(readFileSync('test/support/jest/slow-files.json', 'utf8')) as string[]
  expect(slow.filter((path) => !existsSync(path))).toEqual([])
  expect(new Set(slow).size).toBe(slow.length)
})

describe('each rule notices what breaks it', () => {
  test.each([
    [
      'an import that goes up',
      'src/core/delivery/hub.ts',
      "import { app } from '../app.ts'",
      'core (floor 1) imports app (floor 5)',
    ],
    [
      'a type from above',
      'src/core/a.ts',
      "import type { A } from '../graphql/a.ts'",
      'core (floor 1) imports graphql',
    ],
    [
      'an export that goes up',
      'src/journal/a.ts',
      "export * from '../transports/b.ts'",
      'journal (floor 2) imports transports',
    ],
    [
      'a dynamic import',
      'src/graphql/a.ts',
      "const b = await import('../cli/b.ts')",
      'graphql (floor 3) imports cli (floor 6)',
    ],
    [
      'a type written as an import',
      'src/errors.ts',
      "let a: import('./core/a.ts').A",
      'errors (floor 0) imports core (floor 1)',
    ],
    ['a sibling', 'src/journal/a.ts', "import '../distributor/amqp/b.ts'", 'journal imports its sibling distributor'],
    ['a room that knows who composes it', 'src/config/a.ts', "import '../app.ts'", 'config imports its sibling app'],
    [
      'a sibling transport',
      'src/transports/tcp/a.ts',
      "import '../rest/b.ts'",
      'transports/tcp imports its sibling transports/rest',
    ],
    ["Node's modules in a browser", 'src/client/a.ts', "import 'node:crypto'", 'which a browser does not have'],
    ['a package in the core', 'src/core/a.ts', "import { z } from 'zod'", 'core imports the package zod'],
    [
      'an import from outside src',
      'src/cli/a.ts',
      "import '../../test/b.ts'",
      'imports test/b.ts, which is not in src',
    ],
    ['process.env', 'src/auth/a.ts', 'const a = process.env.A', 'reads the environment'],
    ["process['env']", 'src/auth/a.ts', "const a = process['env']", 'reads the environment'],
    ['env taken from process', 'src/auth/a.ts', 'const { env } = process', 'reads the environment'],
    ['env imported', 'src/auth/a.ts', "import { env } from 'node:process'", 'reads the environment'],
    ['console', 'src/transports/a.ts', 'console.log(1)', 'writes output'],
    ['standard output', 'src/app/open.ts', "process.stdout.write('a')", 'writes output'],
    ['a drawer', 'src/graphql/utils.ts', '', 'a drawer for everything'],
    ['a folder that is a drawer', 'src/graphql/helpers/a.ts', '', 'a drawer for everything'],
    ['a room on no floor', 'src/cellar/a.ts', '', 'the room cellar is on no floor'],
  ])('%s', (_what, path, text, sentence) => {
    expect(violations(new Map([[path, text]]))).toEqual(expect.arrayContaining([expect.stringContaining(sentence)]))
  })

  test('and lets pass what only looks like it', () => {
    const allowed = new Map([
      ['src/app/open.ts', "import { load } from './config/load.ts'"],
      ['src/cli/a.ts', "import { a } from '../core/a.ts'\nprocess.stdout.write(a)"],
      [
        'src/core/a.ts',
        "import { hash } from 'node:crypto'\n// console.log(process.env)\nconst page = '<script>console.log(1)</script>'",
      ],
      ['src/config/a.ts', 'const { env } = process'],
      ['src/graphql/types/a.ts', "import { b } from '../queries/b.ts'"],
      ['src/transports/tcp/a.ts', "import { b } from '../outbox.ts'\nprocess.on('exit', b)"],
    ])
    expect(violations(allowed)).toEqual([])
  })
})
