import { readFileSync } from 'node:fs'

export interface FoundMutant {
  readonly file: string
  readonly mutatorName: string
  readonly replacement: string
  /** Lines and columns from 0. */
  readonly location: { readonly start: { readonly line: number; readonly column: number } }
  readonly status: string
}

/** A mutant that behaves like the original, or differs only in what is not promised. */
interface AcceptedMutant {
  readonly file: string
  /** The line that is mutated, without indentation. */
  readonly code: string
  readonly mutator: string
  readonly replacement: string
  readonly reason: string
}

const file = new URL('accepted-mutants.json', import.meta.url)

export function acceptedMutants(): ReadonlySet<string> {
  const list = JSON.parse(readFileSync(file, 'utf8')) as readonly AcceptedMutant[]
  return new Set(list.map((one) => keyOf(one.file, one.code, one.mutator, one.replacement)))
}

const texts = new Map<string, readonly string[]>()

/** What names the mutant while lines move: its line, not the number of it. */
export function placeOf({ file: path, mutatorName, replacement, location }: FoundMutant): string {
  const lines = texts.get(path) ?? readFileSync(path, 'utf8').split('\n')
  texts.set(path, lines)
  return keyOf(path, (lines[location.start.line] ?? '').trim(), mutatorName, replacement)
}

function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
