import { readFileSync } from 'node:fs'
import type { PlacedMutant } from './sample.ts'

export interface FoundMutant extends PlacedMutant {
  readonly file: string
  readonly mutatorName: string
  /** Lines and columns from 1. */
  readonly location: PlacedMutant['location']
  readonly status: string
}

/** A mutant that behaves like the original, or differs only in what is not promised. */
interface AcceptedMutant {
  readonly file: string
  /** The line in which the mutant begins, without indentation. */
  readonly code: string
  /** The code that is replaced; any white space as one space. */
  readonly from: string
  readonly mutator: string
  readonly replacement: string
  readonly reason: string
}

const file = new URL('accepted-mutants.json', import.meta.url)

export function acceptedMutants(): ReadonlySet<string> {
  const list = JSON.parse(readFileSync(file, 'utf8')) as readonly AcceptedMutant[]
  return new Set(list.map((one) => keyOf(one.file, one.code, one.from, one.mutator, one.replacement)))
}

const texts = new Map<string, readonly string[]>()

/** What names the mutant while lines move: its code, not its place. */
export function placeOf({ file: path, mutatorName, replacement, location }: FoundMutant): string {
  const lines = texts.get(path) ?? readFileSync(path, 'utf8').split('\n')
  texts.set(path, lines)
  const { start, end } = location
  const code = lines.slice(start.line - 1, end.line)
  const [line = ''] = code
  code.push((code.pop() ?? '').slice(0, end.column - 1))
  code[0] = (code[0] ?? '').slice(start.column - 1)
  return keyOf(path, line.trim(), code.join(' ').replaceAll(/\s+/g, ' ').trim(), mutatorName, replacement)
}

function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts)
}
