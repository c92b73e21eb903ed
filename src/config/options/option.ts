import type { Kind } from '../kinds/kind.ts'

/** One option of the gateway. The parser, the help text and the manual all use this definition. */
export interface Option<T> {
  readonly kind: Kind<Exclude<T, undefined>>
  /** As a user would write it. Undefined: the option has no default and may be omitted. */
  readonly default: string | undefined
  /** What applies if the option is omitted and has no default. */
  readonly unset: string | undefined
  readonly group: OptionGroup
  readonly help: string
  /** If true, the value never appears in messages or in the output of `check-config`. */
  readonly secret: boolean
  /**
   * If true, a second variable may name a file with the value, because container platforms mount
   * secrets as files.
   */
  readonly file: boolean
  /** A variable of another standard with the same meaning. The variable of Warren wins. */
  readonly standard: string | undefined
  /** If true, a running gateway applies a new value at SIGHUP. */
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
 * `drainMs` → `WARREN_DRAIN`. The key ends in the unit of the parsed value; the text of a duration
 * has its own unit.
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
