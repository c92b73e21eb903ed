import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

/** The source of each entry point of the packages, and the page that lists what it exports. */
const entries: readonly (readonly [name: string, source: string, page: string])[] = [
  ['warren', 'src/index.ts', 'docs/guides/distributor.md'],
  ['@warren/client', 'src/client/resume.ts', 'packages/client/README.md'],
  ['@warren/client/state', 'src/client/state.ts', 'packages/client/README.md'],
  ['@warren/client/consume', 'src/client/consume.ts', 'packages/client/README.md'],
  ['@warren/client/apollo', 'src/client/adapters/apollo.ts', 'packages/client/README.md'],
  ['@warren/client/urql', 'src/client/adapters/urql.ts', 'packages/client/README.md'],
  ['@warren/client/relay', 'src/client/adapters/relay.ts', 'packages/client/README.md'],
  ['@warren/react', 'src/react/hooks.ts', 'packages/react/README.md'],
  ['@warren/testing', 'src/testing/start-test-gateway.ts', 'packages/testing/README.md'],
]

/** Values and types. The entry points have no `export *` and no default export. */
function exportsOf(source: string): string[] {
  const text = readFileSync(source, 'utf8')
  const declared = /^export (?:async |abstract )*(?:function\*?|class|const|interface|type) (\w+)/gm
  const named = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','))
  const names = named.map((one) => one.trim().replace(/^type /, '')).filter((one) => one !== '')
  expect(text).not.toMatch(/^export (\*|default)/m)
  return [
    ...[...text.matchAll(declared)].map(([, name = '']) => name),
    ...names.map((one) => one.split(' as ').at(-1) ?? ''),
  ]
}

test.each(entries)('every export of %s is on its page', (name, source, page) => {
  const text = readFileSync(page, 'utf8')
  // The table of @warren/client has a row for each entry point.
  const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? text
  const exported = exportsOf(source)
  expect(exported.length).toBeGreaterThan(0)
  expect(exported.filter((one) => !row.includes(`\`${one}\``))).toEqual([])
})

test('the table of @warren/client has no other names', () => {
  const all = new Set(entries.flatMap(([name, source]) => [name, ...exportsOf(source)]))
  const rows = readFileSync('packages/client/README.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `@warren/client'))
  const names = rows.flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
  expect(names.length).toBeGreaterThan(30)
  expect(names.filter((name) => !all.has(name) && name !== '@urql/core')).toEqual([])
})
