import type { Kind } from '../kinds/kind.ts'

/** One option of the gateway: all that the parser, the help text and the manual know about it. */
export interface Option<T> {
  readonly kind: Kind<Exclude<T, undefined>>
  /** As somebody would write it; undefined where the option may be left out altogether. */
  readonly default: string | undefined
  /** What holds where the option is left out and has no default. */
  readonly unset: string | undefined
  readonly group: OptionGroup
  readonly help: string
  /** Whether the value must never be shown: neither in messages nor by `check-config`. */
  readonly secret: boolean
  /**
   * Whether the value may also be read from a file that a second variable names, as container
   * platforms mount secrets.
   */
  readonly file: boolean
  /** A variable of another standard that says the same; ours comes first. */
  readonly standard: string | undefined
  /** Whether a running gateway takes on a new value at SIGHUP. */
  readonly reload: boolean
}

export const groups = [
  'Listening',
  'RabbitMQ',
  'Journal',
  'Registry',
  'Identity',
  'GraphQL',
  'Limits',
  'Running',
] as const
export type OptionGroup = (typeof groups)[number]

interface Described {
  readonly group: OptionGroup
  readonly help: string
  readonly secret?: boolean
  readonly file?: boolean
  readonly standard?: string
  readonly reload?: boolean
}

export function option<T>(kind: Kind<T>, described: Described & { readonly default: string }): Option<T> {
  return {
    secret: false,
    file: false,
    standard: undefined,
    reload: false,
    unset: undefined,
    ...described,
    kind: kind as Kind<Exclude<T, undefined>>,
  }
}

export function optional<T>(kind: Kind<T>, described: Described & { readonly unset: string }): Option<T | undefined> {
  return {
    secret: false,
    file: false,
    standard: undefined,
    reload: false,
    default: undefined,
    ...described,
    kind: kind as Kind<Exclude<T, undefined>>,
  }
}

/**
 * `drainMs` → `WARREN_DRAIN`: the key says the unit in which the gateway computes; a written
 * duration brings its own.
 */
export function variableOf(key: string): string {
  return `WARREN_${wordsOf(key).join('_').toUpperCase()}`
}

/** `drainMs` → `--drain`. */
export function flagOf(key: string): string {
  return `--${wordsOf(key).join('-')}`
}

function wordsOf(key: string): string[] {
  return key
    .replace(/Ms$/, '')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .split(' ')
}
