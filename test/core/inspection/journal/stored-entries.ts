import type { HotWindow, WindowEntry } from '../../../../src/core/ports/hot-window.ts'
import type { Journal } from '../../../../src/core/ports/journal.ts'

/** When offset 0 was received, in milliseconds since the epoch. One entry follows each second. */
export const began = 1_000_000

/**
 * A journal with the entries from offset `oldest` to 99, of which the hot window has those from
 * `windowFrom` on. Entry 95 is a mark. `scans`: from which offsets the journal was read.
 */
export function storedEntries({ oldest = 10, windowFrom = 80 } = {}) {
  const entries = Array.from({ length: 100 - oldest }, (_, index) => {
    const offset = oldest + index
    return {
      offset,
      receivedAt: began + offset * 1_000,
      mark: offset === 95,
      exchange: offset % 2 === 0 ? 'even' : 'odd',
      routingKey: `number.${offset}`,
      properties: { messageId: `m${offset}` },
      body: Buffer.from(`body ${offset}`),
      ...(offset >= windowFrom ? { outcomes: 0 } : {}),
    } as unknown as WindowEntry
  })
  const scans: number[] = []
  const visitFrom = (offset: number, visit: (entry: WindowEntry) => boolean): void => {
    for (const entry of entries) if (entry.offset >= offset && !visit(entry)) return
  }
  const hotWindow = {
    first: windowFrom,
    last: entries.at(-1),
    at: (offset: number) => entries.find((entry) => entry.offset === offset && offset >= windowFrom),
    visit: (after: number, visit: (entry: WindowEntry) => boolean) => visitFrom(Math.max(after + 1, windowFrom), visit),
  } as unknown as HotWindow
  const journal: Pick<Journal, 'scan' | 'offsetAt'> = {
    scan: async (offset, visit) => {
      scans.push(offset)
      visitFrom(offset, visit)
    },
    // RabbitMQ finds the chunk, which here begins at every tenth entry.
    offsetAt: async (timestampMs) => {
      const found = entries.find(({ receivedAt }) => receivedAt >= timestampMs)
      return found && Math.floor(found.offset / 10) * 10
    },
  }
  return { journal, hotWindow, scans }
}
