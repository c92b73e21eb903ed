import { useEffect, useState } from 'react'

/**
 * The key of the row to show while no row is chosen. `best` changes with each answer; the row that
 * was shown first stays while the list has it, because a person may be reading it.
 */
export function useDefaultRow(best: string | undefined, has: (key: string) => boolean): string | undefined {
  const [shown, setShown] = useState(best)
  const kept = shown !== undefined && has(shown) ? shown : best
  useEffect(() => setShown(kept), [kept])
  return kept
}
