import { crc32 } from 'node:zlib'

export interface PlacedMutant {
  readonly location: {
    readonly start: { readonly line: number; readonly column: number }
    readonly end: { readonly line: number; readonly column: number }
  }
  readonly replacement: string
}

/**
 * Names a mutant of a file while the file stays as it is. `add`: Stryker counts lines and columns
 * from 0 in its order for a runner, and from 1 in a report.
 */
export function placeIn(file: string, { location, replacement }: PlacedMutant, add = 0): string {
  const { start, end } = location
  return JSON.stringify([file, ...[start.line, start.column, end.line, end.column].map((at) => at + add), replacement])
}

const share = Number(process.env['MUTATION_SAMPLE'] ?? 1)
const seed = process.env['MUTATION_SEED'] ?? '1'

/** MUTATION_SAMPLE=0.25 tries a quarter of the mutants; MUTATION_SEED=2 tries others. */
export function isInSample(place: string): boolean {
  return crc32(`${seed} ${place}`) / 2 ** 32 < share
}
