import { parseArgs } from 'node:util'
import { ConfigError } from '../config-error.ts'
import { BadValue } from '../kinds/kind.ts'
import { flagOf, type Option, variableOf } from '../options/option.ts'
import { type Config, type OptionName, optionNames, options } from '../options/options.ts'
import { brokerUrlsWithTls } from './broker-tls.ts'
import { nearest } from './nearest.ts'
import { readOptionsFile } from './options-file.ts'
import { keepOrigins, type OptionOrigin, type OptionOrigins } from './origins.ts'
import { type Environment, isServiceLink } from './service-links.ts'

export interface ConfigInputs {
  /** The flags without the command: `['--port', '5000']` or `['--port=5000']`. */
  readonly argv: readonly string[]
  readonly env: Environment
  /** Reads a text file; throws as `fs.readFileSync` does. */
  readonly readFile: (path: string) => string
}

/**
 * Flags override the environment, and the environment overrides defaults. Throws one `ConfigError`
 * with all problems.
 */
export function load(processInputs: ConfigInputs): Config {
  return loadWithOrigins(processInputs).config
}

export function loadWithOrigins({ argv, env, readFile }: ConfigInputs): { config: Config; origins: OptionOrigins } {
  const problems: string[] = []
  const byFlag = readFlags(argv, problems)
  const given = new Map([...readEnvironment(withOptionsFile(env, byFlag, readFile), problems), ...byFlag])
  const origins = new Map<OptionName, OptionOrigin>()
  const values = new Map<OptionName, unknown>()
  for (const name of optionNames) {
    try {
      const { origin, value } = resolve(name, given, readFile)
      origins.set(name, origin)
      values.set(name, value)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  // Each value comes from the parser of the option with that name.
  const config = Object.fromEntries(values) as Config
  checkPorts(config)
  checkWorkers(config)
  const complete = Object.freeze({ ...config, brokerUrl: brokerUrlsWithTls(config, readFile) })
  keepOrigins(complete, origins)
  return { config: complete, origins }
}

/** The text of an option, and the name of the flag or variable that set it. */
interface Given {
  readonly text: string
  readonly givenAs: string
  readonly by: 'flag' | 'environment'
  /** The options file that holds it. */
  readonly optionsFile?: string | undefined
}

/**
 * By option name. For options with `file`, also by option name plus `File`, which is the file that
 * holds the value.
 */
const known = new Map<string, OptionName | `${OptionName}File`>()
for (const name of optionNames) {
  for (const key of options[name].file ? ([name, `${name}File`] as const) : [name]) {
    known.set(variableOf(key), key)
    known.set(flagOf(key), key)
  }
}
const variables = [...known.keys()].filter((name) => name.startsWith('WARREN_'))
const flags = [...known.keys()].filter((name) => name.startsWith('--'))

/** Variables, and which of them come from a file. */
interface Variables {
  readonly env: Environment
  readonly ofFile: { readonly path: string; readonly names: ReadonlySet<string> } | undefined
}

/** The environment, completed from the options file that a variable or a flag names. */
function withOptionsFile(
  env: Environment,
  byFlag: ReadonlyMap<string, Given>,
  readFile: ConfigInputs['readFile'],
): Variables {
  const variable = variableOf('optionsFile')
  const { text: path, givenAs } = byFlag.get('optionsFile') ?? { text: env[variable], givenAs: variable }
  if (path === undefined || path === '') return { env, ofFile: undefined }
  const read = readOptionsFile(path, givenAs, readFile)
  const names = new Set(Object.keys(read).filter((name) => env[name] === undefined))
  return { env: { ...read, ...env }, ofFile: { path, names } }
}

function readEnvironment({ env, ofFile }: Variables, problems: string[]): Map<string, Given> {
  const given = new Map<string, Given>()
  for (const name of optionNames) {
    const { standard } = options[name]
    const text = standard === undefined ? undefined : env[standard]
    if (standard !== undefined && text !== undefined && text !== '')
      given.set(name, { text, givenAs: standard, by: 'environment' })
  }
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('WARREN_') || text === undefined || isServiceLink(variable, text, env)) continue
    const key = known.get(variable)
    const optionsFile = ofFile?.names.has(variable) ? ofFile.path : undefined
    if (key) given.set(key, { text, givenAs: variable, by: 'environment', optionsFile })
    else problems.push(`${variable}: unknown variable; ${suggestion(variable, variables)}`)
  }
  return given
}

function readFlags(argv: readonly string[], problems: string[]): Map<string, Given> {
  const given = new Map<string, Given>()
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(flags.map((flag) => [flag.slice(2), { type: 'string' as const }])),
    strict: false,
    tokens: true,
  })
  let unknown: string | undefined
  for (const token of tokens) {
    if (token.kind === 'positional') {
      // An argument after an unknown option is probably its value. Report one mistake in one line.
      if (unknown === undefined)
        problems.push(`"${token.value}": unexpected argument; options are written --name value`)
      unknown = undefined
    }
    if (token.kind !== 'option') continue
    const { rawName, value, inlineValue } = token
    const key = known.get(rawName)
    unknown = key || inlineValue ? undefined : rawName
    if (!key) problems.push(`${rawName}: unknown option; ${suggestion(rawName, flags)}`)
    else if (value === undefined || (!inlineValue && value.startsWith('--'))) {
      problems.push(`${rawName}: expected a value after it, got none`)
    } else if (given.has(key)) problems.push(`${rawName}: given twice`)
    else given.set(key, { text: value, givenAs: rawName, by: 'flag' })
  }
  return given
}

function suggestion(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates)
  return meant ? `did you mean ${meant}?` : 'docs/config.md and warren start --help list all of them'
}

function resolve(
  name: OptionName,
  given: ReadonlyMap<string, Given>,
  readFile: (path: string) => string,
): { origin: OptionOrigin; value: unknown } {
  const option: Option<unknown> = options[name]
  const [direct, file] = preferred(given.get(name), given.get(`${name}File`))
  if (direct && file)
    throw new ConfigError([`${file.givenAs}: set together with ${direct.givenAs}; expected one of the two`])
  if (direct) {
    const { givenAs, by, optionsFile } = direct
    const origin = optionsFile === undefined ? { by, givenAs } : { by: 'file' as const, givenAs, file: optionsFile }
    return { origin, value: parse(option, direct.text, givenAs) }
  }
  if (file) {
    const { givenAs, text: path } = file
    return { origin: { by: 'file', givenAs, file: path }, value: parse(option, contentOf(file, readFile), givenAs) }
  }
  return {
    origin: { by: 'default' },
    value: option.default === undefined ? undefined : parse(option, option.default, variableOf(name)),
  }
}

/**
 * If a value and its file are given, a flag wins over a variable. Returns both if they were given
 * the same way.
 */
function preferred(direct: Given | undefined, file: Given | undefined): [Given | undefined, Given | undefined] {
  if (!direct || !file || direct.by === file.by) return [direct, file]
  return direct.by === 'flag' ? [direct, undefined] : [undefined, file]
}

function parse(option: Option<unknown>, text: string, givenAs: string): unknown {
  if (text.trim() === '') {
    throw new ConfigError([
      `${givenAs}: expected ${option.kind.expected}, got an empty text; omit it to use the default`,
    ])
  }
  try {
    return option.kind.parse(text)
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    const got = error.got ?? (option.secret ? 'something else' : JSON.stringify(text))
    throw new ConfigError([`${givenAs}: expected ${option.kind.expected}, got ${got}`])
  }
}

/** Editors and `echo` end a file with a line break that is not part of the value. */
function contentOf({ text: path, givenAs }: Given, readFile: (path: string) => string): string {
  try {
    return readFile(path).replace(/\r?\n$/, '')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new ConfigError([`${givenAs}: expected a readable file, got ${JSON.stringify(path)} (${reason})`])
  }
}

function checkPorts(config: Config): void {
  const taken = new Map<number, string>()
  for (const name of ['port', 'tcpPort', 'tcpEchoPort', 'opsPort'] as const) {
    const port = config[name]
    if (port === 'off' || port === 0) continue
    const other = taken.get(port)
    if (other)
      throw new ConfigError([`${variableOf(name)}: expected a different port, got ${port}, which ${other} uses`])
    taken.set(port, variableOf(name))
  }
}

/** Each worker is a replica. Several of them need a broker outside their processes. */
function checkWorkers({ workers, brokerUrl }: Config): void {
  if (workers === 1 || !brokerUrl.some((url) => url.startsWith('memory:'))) return
  throw new ConfigError([
    `WARREN_WORKERS: ${workers} processes cannot share the embedded broker, which runs inside one process; ` +
      'set WARREN_BROKER_URL to RabbitMQ, or WARREN_WORKERS to 1',
  ])
}
