import { connectionsPerAddress, connectionsPerClient } from '../core/sessions/connections.ts'
import { registrationOf } from './checks/registration.ts'
import type { OptionOrigin, OptionOrigins, Origin } from './load/origins.ts'
import { flagOf, type Option, type OptionGroup, variableOf } from './options/option.ts'
import { type Config, type OptionName, optionNames, options } from './options/options.ts'

/** What does not change while a gateway runs. */
export interface DescribedOption {
  readonly name: string
  readonly flag: string
  readonly fileVariable: string | null
  readonly group: OptionGroup
  readonly help: string
  readonly expected: string
  readonly default: string | null
  /** What applies if the option is omitted and has no default. */
  readonly unset: string | null
  readonly secret: boolean
  /** Whether a running gateway applies a new value at SIGHUP. */
  readonly reload: boolean
  /** Whether it belongs to the machine, so that replicas may have different values. */
  readonly mayDiffer: boolean
}

/** What is in force in one process. */
export interface EffectiveOption {
  readonly name: OptionName
  /** As in an environment file, with secrets masked. Null: the option is not set. */
  readonly value: string | null
  /** Undefined: not known, because the configuration was not loaded from a user's input. */
  readonly origin: OptionOrigin | undefined
}

/** What a process knows beside its options. */
export interface ProcessFacts {
  /** Whether no secret was given, and one was generated. */
  readonly secretGenerated: boolean
  /** What log lines look like here. */
  readonly logFormat: 'pretty' | 'json'
}

/** Addresses, ports and files, which differ if replicas share a machine or have other machines. */
const ofMachine: ReadonlySet<OptionName> = new Set([
  'host',
  'port',
  'tcpPort',
  'tcpEchoPort',
  'opsPort',
  'opsHost',
  'dataDir',
  'brokerCert',
  'brokerKey',
  'brokerCa',
  'workers',
  'optionsFile',
  'logFormat',
])

/** Longer values are cut, in characters. */
const maxValueLength = 4_096

export function describeOptions(): readonly DescribedOption[] {
  return optionNames.map((name) => {
    const option: Option<unknown> = options[name]
    return {
      name: variableOf(name),
      flag: flagOf(name),
      fileVariable: option.file ? `${variableOf(name)}_FILE` : null,
      group: option.group,
      help: option.help,
      expected: option.kind.expected,
      default: option.default ?? null,
      unset: option.unset ?? null,
      secret: option.secret,
      reload: option.reload,
      mayDiffer: ofMachine.has(name),
    }
  })
}

/** The options with what follows from them, such as a limit that is a share of another. */
export function effectiveOptions(config: Config, origins: OptionOrigins, facts: ProcessFacts): EffectiveOption[] {
  return optionNames.map((name) => {
    const option: Option<unknown> = options[name]
    const value = config[name]
    if (value !== undefined) return { name, value: cut(option.kind.print(value)), origin: origins.get(name) }
    const derived = derivations[name]?.(config, facts)
    const by: Origin = derived === undefined ? 'default' : 'derived'
    return { name, value: derived ?? null, origin: { by } }
  })
}

/** The options without a default of their own. Undefined: nothing is derived. */
const derivations: Partial<Record<OptionName, (config: Config, facts: ProcessFacts) => string | undefined>> = {
  jwtSecret: (_config, { secretGenerated }) => (secretGenerated ? options.jwtSecret.kind.print('') : undefined),
  registration: (config) => registrationOf(config).mode,
  maxConnectionsPerAddress: (config) => String(connectionsPerAddress(config)),
  maxConnectionsPerClient: (config) => String(connectionsPerClient(config)),
  logFormat: (_config, { logFormat }) => logFormat,
}

function cut(text: string): string {
  return text.length <= maxValueLength ? text : `${text.slice(0, maxValueLength)}…`
}
