import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { Kind, parse, printSchema } from 'graphql'
import { CloseCode } from 'graphql-ws'
import { program } from '../../src/cli/program.ts'
import { closeReasons } from '../../src/close-reasons.ts'
import { flagOf, variableOf } from '../../src/config/options/option.ts'
import { optionNames, options } from '../../src/config/options/options.ts'
import { statePhases } from '../../src/core/model/channel-event.ts'
import { errorTable, requestErrorTable } from '../../src/errors.ts'
import { printDirectives } from '../../src/events/sdl/directives/definitions.ts'
import { schema } from '../../src/graphql/schema.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { blocksOf, type Document, pages, paths, spansOf } from './documents.ts'

/** Each kind of name: what a document names that the code does not have, a sentence each. */
export const checks = {
  variables,
  metrics,
  codes,
  commands,
  scripts,
  files,
  anchors,
} satisfies Record<string, (document: Document) => string[]>

export const knownVariables = new Set(
  optionNames.flatMap((name) => [variableOf(name), ...(options[name].file ? [`${variableOf(name)}_FILE`] : [])]),
)

/**
 * Kubernetes sets them for a Service called warren, and the gateway ignores them: see
 * docs/config.md.
 */
const serviceLinks = new Set(['WARREN_SERVICE_HOST', 'WARREN_SERVICE_PORT'])

function variables({ path, text }: Document): string[] {
  return [...text.matchAll(/\bWARREN_[A-Z0-9_]*/g)].flatMap(([name]) => {
    // `WARREN_*` and `WARREN_MAX_*` name all that begin so.
    const known = name.endsWith('_')
      ? [...knownVariables].some((one) => one.startsWith(name))
      : knownVariables.has(name) || serviceLinks.has(name)
    return known ? [] : [`${path}: ${name} is no option`]
  })
}

const gateway = createMetrics()
gateway.close()

/** By name, the labels of each metric that `/metrics` prints. */
export const knownMetrics = new Map(
  gateway.described.flatMap(({ name, kind, labels }): [string, string[]][] =>
    kind === 'histogram'
      ? [
          [name, []],
          [`${name}_bucket`, ['le']],
          [`${name}_sum`, []],
          [`${name}_count`, []],
        ]
      : [[name, [...labels.keys()]]],
  ),
)

/** The registry's tables are called alike. */
const tables = new Set(
  [...readFileSync('src/registries/migrations.ts', 'utf8').matchAll(/\bwarren_[a-z_]+\b/g)].map(([name]) => name),
)

function metrics({ path, text }: Document): string[] {
  return [...text.matchAll(/\bwarren_[a-z_]+\b(?:\{([a-z, ]*)\})?/g)].flatMap(([match, labels]) => {
    const name = match.replace(/\{.*/, '')
    const known = knownMetrics.get(name)
    if (tables.has(name)) return []
    if (known === undefined) return [`${path}: ${name} is no metric`]
    return (labels ?? '')
      .split(/, */)
      .filter((label) => label !== '' && !known.includes(label))
      .map((label) => `${path}: ${name} has no label ${label}`)
  })
}

/** Of the served schema, and of the directives that a team's SDL uses. */
const enumValues = [printSchema(schema), printDirectives()]
  .flatMap((sdl) => parse(sdl).definitions)
  .flatMap((definition) => (definition.kind === Kind.ENUM_TYPE_DEFINITION ? (definition.values ?? []) : []))
  .map(({ name }) => name.value)

const knownCodes = new Set([
  ...Object.keys(errorTable),
  ...Object.keys(requestErrorTable),
  ...Object.keys(closeReasons),
  ...enumValues,
  ...statePhases,
  // graphql-js and Yoga use it for unexpected errors of the server.
  'INTERNAL_SERVER_ERROR',
])

const knownCloseCodes = new Set<number>([
  ...Object.values(closeReasons).flatMap(({ graphqlWs, socketCluster }) => [graphqlWs, socketCluster]),
  ...Object.values(CloseCode).filter((code) => typeof code === 'number'),
])

/** Environment variables of tests and of other programs, not of the gateway. */
const foreignVariables = new Set([
  'MUTATION_BEFORE',
  'MUTATION_RESULTS',
  'MUTATION_SAMPLE',
  'MUTATION_SEED',
  'MUTATION_WORKERS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_SAMPLER',
  'PROPERTY_RUNS',
  'PROPERTY_SEED',
  'RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD',
  'SOCKET_SERVER_ADD',
  'SOCKET_SERVER_PORT',
])

function codes(document: Document): string[] {
  if (!document.path.endsWith('.md')) return []
  const spans = spansOf(document)
  return [
    ...spans
      // `warren trace MESSAGE_ID`: a word for what goes there.
      .filter((span) => !/^(npx )?warren /.test(span))
      .flatMap((span) => [...span.matchAll(/(?<![\w$])[A-Z]+(?:_[A-Z]+)+(?![\w=])/g)].map(([word]) => word))
      .filter((word) => !word.startsWith('WARREN_') && !foreignVariables.has(word) && !knownCodes.has(word))
      .map((word) => `${document.path}: ${word} is neither an error, a close reason nor a value of the schema`),
    // What else begins with a 4 looks like a port.
    ...[...document.text.matchAll(/(?<![\d.,:-])(42\d\d|44\d\d|101\d)(?![\d,]\d|\d)/g)]
      .map(([code]) => Number(code))
      .filter((code) => !knownCloseCodes.has(code))
      .map((code) => `${document.path}: nothing is closed with ${code}`),
  ]
}

const startFlags = new Set(
  optionNames.flatMap((name) => [flagOf(name), ...(options[name].file ? [`${flagOf(name)}-file`] : [])]),
)

function commands(document: Document): string[] {
  const code = document.path.endsWith('.md')
    ? [...spansOf(document), ...blocksOf(document).flatMap(({ text }) => text.split('\n'))]
    : document.text.split('\n').filter((line) => line.includes('npx warren'))
  return code.flatMap((line) =>
    [...line.matchAll(/(?:^|[;&|(] ?|\bnpx )(?:\w+=\S+ )*warren (?=[a-z-])([^`#|;&]*)/g)].flatMap(([, rest = '']) =>
      wrongIn(rest.trim().split(/\s+/)).map((problem) => `${document.path}: warren ${rest.trim()}: ${problem}`),
    ),
  )
}

function wrongIn(words: readonly string[]): string[] {
  let command: Command = program()
  let depth = 0
  for (const word of words) {
    const inner = command.commands.find((one) => one.name() === word)
    if (!inner) break
    command = inner
    depth += 1
  }
  if (depth === 0) return words[0]?.startsWith('--') ? [] : [`there is no command ${words[0]}`]
  const taken = new Set(['--help', ...command.options.map(({ long }) => long)])
  const takesAll = ['start', 'doctor', 'check-config'].includes(command.name())
  return words
    .filter((word) => word.startsWith('--') && word !== '--')
    .map((word) => word.split('=')[0] ?? '')
    .filter((flag) => !taken.has(flag) && !(takesAll && startFlags.has(flag)))
    .map((flag) => `it takes no ${flag}`)
}

const { scripts: npmScripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }

function scripts({ path, text }: Document): string[] {
  return [...text.matchAll(/npm run (?:--?\w+ )*([a-z][\w:-]*)/g)].flatMap(([, name = '']) =>
    name in npmScripts ? [] : [`${path}: package.json has no script ${name}`],
  )
}

/**
 * Files in backquotes and links, from the root, from `src`, from the page, or by a name that is
 * found once; `file.ts: name` must have the name.
 */
function files(document: Document): string[] {
  if (!document.path.endsWith('.md')) return []
  const folder = document.path.replace(/[^/]*$/, '')
  const spans = spansOf(document).flatMap((span) => {
    const match = span.match(/^((?:[\w.-]+\/)*[\w.-]+\.(?:ts|c|h|py|md|graphql|html|yaml|json|sh))(?:: ([\w$]+))?$/)
    return match ? [{ name: match[1] ?? '', word: match[2] }] : []
  })
  const links = [...document.text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => ({
    name: new URL(target, `file:///${folder}`).pathname.slice(1),
    word: undefined,
  }))
  const runnable = /kubectl apply -k ([\w./-]+)|bash ([\w./-]+\.sh)|npm test -- (test\/[\w./-]+)/g
  const run = [...document.text.matchAll(runnable)].map(([, folder, script, tests]) => ({
    name: script ?? tests ?? `${folder}/kustomization.yaml`,
    word: undefined,
  }))
  return [...spans, ...links, ...run].flatMap(({ name, word }) => {
    const found =
      [name, `src/${name}`, `${folder}${name}`].find((path) => paths.includes(path)) ??
      paths.find((path) => path.endsWith(`/${name}`)) ??
      paths.find((path) => path.startsWith(`${name.replace(/\/$/, '')}/`))
    if (found === undefined) return [`${document.path}: there is no file ${name}`]
    if (word === undefined || new RegExp(`\\b${word}\\b`).test(readFileSync(found, 'utf8'))) return []
    return [`${document.path}: ${found} has no ${word}`]
  })
}

/** By the path of each page, the anchors of its headings, as GitHub forms them. */
const headings = new Map(pages().map((page) => [page.path, anchorsOf(page)]))

function anchorsOf({ text }: Document): Set<string> {
  const found = new Set<string>()
  const titles = text.replace(/^( *)```[\s\S]*?^\1```$/gm, '').matchAll(/^#{1,6} +(.+)$/gm)
  for (const [, title = ''] of titles) {
    const slug = title
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    // The second heading of a text is `text-1`.
    let anchor = slug
    for (let count = 1; found.has(anchor); count += 1) anchor = `${slug}-${count}`
    found.add(anchor)
  }
  return found
}

/** The parts of links after a `#`, within the page and to others. */
function anchors({ path, text }: Document): string[] {
  if (!path.endsWith('.md')) return []
  return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)].flatMap(([, target = '', anchor = '']) => {
    const page = target === '' ? path : new URL(target, `file:///${path}`).pathname.slice(1)
    // `files` reports pages that do not exist; a page of a test is not on disk.
    const known = headings.get(page) ?? (target === '' ? anchorsOf({ path, text }) : undefined)
    return known === undefined || known.has(anchor) ? [] : [`${path}: ${page} has no heading #${anchor}`]
  })
}
