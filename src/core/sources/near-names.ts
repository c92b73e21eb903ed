/** Names this many edits away are near. */
const maxEdits = 2
/** How many names are guessed from one. */
const maxGuesses = 60

/** The candidates that are near the name, nearest first, without the name itself. */
export function nearNames(name: string, candidates: Iterable<string>): string[] {
  const near: { candidate: string; edits: number }[] = []
  for (const candidate of new Set(candidates)) {
    if (candidate === name || Math.abs(candidate.length - name.length) > maxEdits) continue
    const edits = editsBetween(name, candidate)
    // Of a short name, two edits make any other.
    if (edits <= Math.min(maxEdits, Math.ceil(name.length / 4))) near.push({ candidate, edits })
  }
  return near.toSorted((one, other) => one.edits - other.edits).map(({ candidate }) => candidate)
}

/**
 * Names that a typing error could have turned into this one: neighbours swapped, a letter left out,
 * doubled or added at the end, another separator, another case. To look for on the broker, which
 * does not list its exchanges over AMQP.
 */
export function guessedNames(name: string): string[] {
  const guesses = new Set<string>()
  for (let at = 0; at + 1 < name.length; at += 1)
    guesses.add(name.slice(0, at) + name.charAt(at + 1) + name.charAt(at) + name.slice(at + 2))
  for (let at = 0; at < name.length; at += 1) guesses.add(name.slice(0, at) + name.slice(at + 1))
  for (const guess of [`${name}s`, `${name}.events`, name.toLowerCase(), name.toUpperCase()]) guesses.add(guess)
  for (const separator of ['.', '-', '_']) guesses.add(name.replaceAll(/[._-]/g, separator))
  for (let at = 0; at < name.length; at += 1) guesses.add(name.slice(0, at + 1) + name.slice(at))
  guesses.delete(name)
  guesses.delete('')
  return [...guesses].slice(0, maxGuesses)
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editsBetween(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1]
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = current
  }
  return last[to.length] ?? 0
}
