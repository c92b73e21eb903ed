import type { Gathering } from '../../cluster/gathering.ts'
import { listOf, objectOf, textOf, textOrNull } from '../../cluster/wire-values.ts'

/** More options than there are. */
const maxOptions = 500

export const optionOrigins = ['default', 'environment', 'flag', 'file', 'derived'] as const
export type ReportedOrigin = (typeof optionOrigins)[number]

/** An option in one process. Sent between replicas, so it is plain JSON without secrets. */
export interface OptionReport {
  /** Of the variable, such as `WARREN_PORT`. */
  readonly name: string
  /** Secrets are masked. Null: the option is not set, and nothing is derived. */
  readonly value: string | null
  readonly origin: ReportedOrigin | null
  /** The flag or variable that set it. */
  readonly givenAs: string | null
  /** The file that holds the value. */
  readonly file: string | null
  /** A new value was read that applies after a restart only. */
  readonly needsRestart: boolean
  /**
   * Equal for equal values, secrets too. It needs a key of the deployment, so that it gives nothing
   * away, and it does not leave the replicas.
   */
  readonly fingerprint: string
}

/** What does not depend on the process. */
export interface OptionDescription {
  readonly name: string
  readonly flag: string
  readonly fileVariable: string | null
  readonly group: string
  readonly help: string
  readonly expected: string
  readonly default: string | null
  readonly unset: string | null
  readonly secret: boolean
  readonly reload: boolean
  /** Whether it belongs to the machine of a replica. */
  readonly mayDiffer: boolean
}

/** Reads the options of this process. Implemented by the composition root. */
export interface ConfigurationReader {
  describe(): readonly OptionDescription[]
  report(): readonly OptionReport[]
}

export interface InspectedOption {
  readonly description: OptionDescription
  /** Of the replica that was asked. */
  readonly own: OptionReport
  /** Of the replicas that answered, this one first. */
  readonly replicas: readonly { readonly replica: string; readonly option: OptionReport }[]
  /** Whether the replicas that answered have different values. */
  readonly differs: boolean
}

export interface InspectedConfiguration {
  readonly options: readonly InspectedOption[]
  readonly replicas: readonly string[]
  readonly unanswered: readonly string[]
}

/** Compares the options of all replicas. */
export class ConfigurationInspector {
  readonly #reader: ConfigurationReader
  readonly #gathering: Gathering

  constructor(reader: ConfigurationReader, gathering: Gathering) {
    this.#reader = reader
    this.#gathering = gathering
    gathering.answer('configuration', () => reader.report())
  }

  async read(): Promise<InspectedConfiguration> {
    const { answers, unanswered } = await this.#gathering.ask('configuration', null, readReports)
    const byName = answers.map(({ replica, value }) => ({
      replica,
      options: new Map(value.map((option) => [option.name, option])),
    }))
    const own = new Map(this.#reader.report().map((option) => [option.name, option]))
    return {
      options: this.#reader.describe().flatMap((description) => {
        const here = own.get(description.name)
        if (!here) return []
        const replicas = byName.flatMap(({ replica, options }) => {
          const option = options.get(description.name)
          return option ? [{ replica, option }] : []
        })
        const differs = new Set(replicas.map(({ option }) => option.fingerprint)).size > 1
        return [{ description, own: here, replicas, differs }]
      }),
      replicas: answers.map(({ replica }) => replica),
      unanswered,
    }
  }
}

function readReports(value: unknown): OptionReport[] | undefined {
  if (!Array.isArray(value)) return undefined
  return listOf(value, maxOptions).map((item) => {
    const option = objectOf(item)
    return {
      name: textOf(option['name']),
      value: textOrNull(option['value']),
      origin: optionOrigins.find((known) => known === option['origin']) ?? null,
      givenAs: textOrNull(option['givenAs']),
      file: textOrNull(option['file']),
      needsRestart: option['needsRestart'] === true,
      fingerprint: textOf(option['fingerprint']),
    }
  })
}
