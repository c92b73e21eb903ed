import { brokerOptions } from './broker.ts'
import { graphqlOptions } from './graphql.ts'
import { identityOptions } from './identity.ts'
import { limitOptions } from './limits.ts'
import { listeningOptions } from './listening.ts'
import type { Option } from './option.ts'
import { presenceOptions } from './presence.ts'
import { registryOptions } from './registry.ts'
import { runningOptions } from './running.ts'

/**
 * All options of the gateway, each in the file of its area. `docs/config.md`, `warren start --help`
 * and every check use this table, in this order. The key gives the names of the variable and the
 * flag (`tcpPort`: `WARREN_TCP_PORT`, `--tcp-port`).
 */
export const options = {
  ...listeningOptions,
  ...brokerOptions,
  ...presenceOptions,
  ...registryOptions,
  ...identityOptions,
  ...graphqlOptions,
  ...limitOptions,
  ...runningOptions,
} as const

export type OptionName = keyof typeof options

/**
 * The result of `load`: one value for each option. Durations are in milliseconds, sizes in bytes,
 * and `on` and `off` are booleans.
 */
export type Config = {
  readonly [Name in OptionName]: (typeof options)[Name] extends Option<infer Value> ? Value : never
}

export const optionNames = Object.keys(options) as OptionName[]
