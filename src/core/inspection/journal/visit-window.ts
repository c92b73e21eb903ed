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
