import { setImmediate as nextTurn } from 'node:timers/promises'
import { TimeSlice } from '../../delivery/time-slice.ts'
import type { HotWindow, WindowEntry } from '../../ports/hot-window.ts'

/**
 * Visits every entry that the hot window has now, oldest first. Other work runs in between, so that
 * a window of millions of entries blocks nothing.
 */
export async function visitWindow(hotWindow: HotWindow, visit: (entry: WindowEntry) => void): Promise<void> {
  const end = hotWindow.last?.offset ?? -1
  let at = -1
  for (;;) {
    const slice = new TimeSlice()
    const before = at
    hotWindow.visit(at, (entry) => {
      at = entry.offset
      visit(entry)
      return !slice.isOver && at < end
    })
    if (at === before || at >= end) return
    await nextTurn()
  }
}

/** How many offsets are visited before other work runs. */
const blockOffsets = 500

/** The offsets of the newest entries that are meant, at most `max`, newest first. */
export async function newestOffsets(
  hotWindow: HotWindow,
  max: number,
  isMeant: (entry: WindowEntry) => boolean,
): Promise<number[]> {
  const found: number[] = []
  const first = hotWindow.first ?? 0
  for (let end = hotWindow.last?.offset ?? -1; end >= first && found.length < max; end -= blockOffsets) {
    // The window is read forwards only.
    const block: number[] = []
    hotWindow.visit(Math.max(-1, end - blockOffsets), (entry) => {
      if (entry.offset > end) return false
      if (isMeant(entry)) block.push(entry.offset)
      return true
    })
    found.push(...block.toReversed())
    await nextTurn()
  }
  return found.slice(0, max)
}
