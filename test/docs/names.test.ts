import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parse, validate } from 'graphql'
import { program } from '../../src/cli/program.ts'
import { closeReasons } from '../../src/close-reasons.ts'
import { errorTable } from '../../src/errors.ts'
import { schema } from '../../src/graphql/schema.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { openReachable } from '../support/gateway/gateway-in-process.ts'
import { blocksOf, documents, pages } from './documents.ts'
import { checks, knownMetrics, knownVariables } from './names.ts'

type Kind = keyof typeof checks
const kinds = Object.keys(checks) as Kind[]

describe('names in pages, manifests and examples exist', () => {
  test.each(kinds)('%s', (kind) => {
    expect(documents().flatMap(checks[kind])).toEqual([])
  })

  test('operations that a page shows fit the schema', () => {
    const operations = pages()
      // It has a schema of its own: see state-guide.test.ts.
      .filter(({ path }) => path !== 'docs/guides/state.md')
      .flatMap(blocksOf)
      .filter(({ language, text }) => language === 'graphql' && /^\s*(query|mutation|subscription|\{)/.test(text))
    expect(operations.length).toBeGreaterThan(3)
    const wrong = operations.flatMap(({ path, line, text }) =>
      // GraphiQL's tour and the pages leave out what differs from client to client.
      validate(schema, parse(text)).map(({ message }) => `${path}:${line}: ${message}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('the pages document', () => {
  const documented = pages()
    .map(({ text }) => text)
    .join('\n')

  test('every option', () => {
    expect([...knownVariables].filter((name) => !documented.includes(`\`${name}\``))).toEqual([])
  })

  test('every metric, and each value of its labels', () => {
    const metrics = createMetrics()
    metrics.close()
    const page = readFileSync('docs/metrics.md', 'utf8')
    const words = metrics.described.flatMap(({ name, labels }) => [
      name,
      ...labels.keys(),
      ...[...labels.values()].flat(),
    ])
    expect(words.filter((word) => !page.includes(`\`${word}\``))).toEqual([])
  })

  test('every error code and close reason', () => {
    const page = readFileSync('docs/errors.md', 'utf8')
    const names = [...Object.keys(errorTable), ...Object.keys(closeReasons)]
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })

  test('every command', () => {
    const page = readFileSync('docs/commands.md', 'utf8')
    const names = program().commands.flatMap((command) =>
      command.commands.length === 0
        ? [`warren ${command.name()}`]
        : command.commands.map((inner) => `warren ${command.name()} ${inner.name()}`),
    )
    expect(names.filter((name) => !page.includes(`## ${name}\n`))).toEqual([])
  })

  test('every page is reachable from the README', () => {
    const reached = new Set(['README.md'])
    for (const path of reached) {
      const page = pages().find((one) => one.path === path)
      for (const [, target = ''] of page?.text.matchAll(/\]\((?!https?:|#)([^)#]+\.md)/g) ?? []) {
        reached.add(new URL(target, `file:///${path}`).pathname.slice(1))
      }
    }
    const unreached = pages()
      .map(({ path }) => path)
      .filter((path) => !reached.has(path))
    expect(unreached.filter((path) => path.startsWith('docs/'))).toEqual([])
  })
})

test('docs/metrics.md has the metrics that a running gateway prints, and no others', async () => {
  await using gateway = await openReachable()
  const text = await gateway.metrics()
  const printed = [...text.matchAll(/^# TYPE (warren_\w+) /gm)].map(([, name]) => name)
  const listed = [...knownMetrics.keys()].filter((name) => !/_(bucket|sum|count)$/.test(name))
  expect(new Set(printed)).toEqual(new Set(listed))
})

describe('each check finds a name that does not exist', () => {
  test.each([
    ['variables', 'Set `WARREN_PROT`.', 'WARREN_PROT is no option'],
    ['variables', 'Set `WARREN_LOST_*`.', 'WARREN_LOST_ is no option'],
    ['metrics', '`warren_conections`', 'warren_conections is no metric'],
    ['metrics', '`warren_connections{transprot}`', 'has no label transprot'],
    ['codes', '`LIMIT_EXEEDED`', 'LIMIT_EXEEDED is neither'],
    ['codes', 'closed with 4293', 'nothing is closed with 4293'],
    ['commands', '`npx warren tale alice`', 'there is no command tale'],
    ['commands', '`warren token --clients alice`', 'it takes no --clients'],
    ['commands', '```sh\nnpx warren quarantine list --limits 3\n```', 'it takes no --limits'],
    ['scripts', '`npm run bensh`', 'no script bensh'],
    ['files', '`core/hubs.ts`', 'there is no file core/hubs.ts'],
    ['files', '`core/delivery/hub.ts: publisch`', 'src/core/delivery/hub.ts has no publisch'],
    ['files', 'kubectl apply -k k8s/overlays/staging', 'there is no file k8s/overlays/staging/kustomization.yaml'],
    ['files', '[page](docs/none.md)', 'there is no file docs/none.md'],
    ['anchors', '[page](docs/faq.md#none)', 'docs/faq.md has no heading #none'],
    ['anchors', '# One\n[here](#two)', 'page.md has no heading #two'],
  ] as [Kind, string, string][])('%s: %s', (kind, text, sentence) => {
    expect(checks[kind]({ path: 'page.md', text })).toEqual([expect.stringContaining(sentence)])
  })
})
