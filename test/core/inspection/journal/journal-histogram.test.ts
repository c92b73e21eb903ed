import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Gateway } from '../../../../src/core/gateway.ts'
import type { JournalBrowser } from '../../../../src/core/inspection/journal/journal-browser.ts'
import { JournalHistogram } from '../../../../src/core/inspection/journal/journal-histogram.ts'
import type { HotWindow, WindowEntry } from '../../../../src/core/ports/hot-window.ts'
import type { Journal } from '../../../../src/core/ports/journal.ts'
import { GatewayError } from '../../../../src/errors.ts'

/** One entry a second from offset 100 on; the hot window begins at 160. Offset 170 is a mark. */
const entries = Array.from({ length: 100 }, (_, index) => ({
  offset: 100 + index,
  receivedAt: 1_000_000 + index * 1_000,
  mark: index === 70,
  exchange: index % 2 === 0 ? 'even' : 'odd',
}))
let windowFrom: number
/** The broker cannot deliver the first message of this time. */
let unreadableAt: number | undefined
let lookups: number[]
let epoch: string
let histogram: JournalHistogram

beforeEach(() => {
  windowFrom = 160
  lookups = []
  unreadableAt = undefined
  epoch = 'one'
  const hotWindow = {
    get first() {
      return windowFrom
    },
    last: entries.at(-1),
    visit: (after: number, visit: (entry: WindowEntry) => boolean) => {
      for (const entry of entries)
        if (entry.offset > after && entry.offset >= windowFrom && !visit(entry as WindowEntry)) return
    },
  } as unknown as HotWindow
  const journal = {
    offsetAt: async (at: number) => {
      lookups.push(at)
      if (at === unreadableAt) throw new GatewayError('BROKER_UNAVAILABLE', 'unreadable')
      // RabbitMQ finds the chunk, which here begins at every tenth entry.
      const found = entries.find(({ receivedAt }) => receivedAt >= at)
      return found && Math.floor(found.offset / 10) * 10
    },
  } as unknown as Journal
  const gateway = {
    get epoch() {
      return epoch
    },
  } as unknown as Gateway
  const browser = {
    bounds: async () => ({ first: 100, last: 199 }),
    matcherOf: ({ exchange }: { exchange?: string }) => {
      return (entry: WindowEntry) => exchange === undefined || entry.exchange === exchange
    },
  } as unknown as JournalBrowser
  histogram = new JournalHistogram(gateway, journal, hotWindow, browser)
})

const at = (seconds: number): number => 1_000_000 + seconds * 1_000
const countsOf = async (from: number, to: number, bins: number) =>
  (await histogram.count({ from: at(from), to: at(to), bins })).bins

describe('a histogram of the journal', () => {
  test('counts messages of the hot window one by one, without marks', async () => {
    const bins = await countsOf(60, 100, 4)
    expect(bins.map(({ count, exact, firstOffset }) => [count, exact, firstOffset])).toEqual([
      [10, true, 160],
      [9, true, 170],
      [10, true, 180],
      [10, true, 190],
    ])
    expect(lookups).toEqual([])
  })

  test('counts everything one by one if the hot window holds the whole journal', async () => {
    windowFrom = 100
    const bins = await countsOf(-10, 110, 4)
    expect(bins.map(({ count, exact, firstOffset }) => [count, exact, firstOffset])).toEqual([
      [20, true, 100],
      [30, true, 120],
      [29, true, 150],
      [20, true, 180],
    ])
    expect((await countsOf(-40, -10, 2)).map(({ count, kept }) => [count, kept])).toEqual([
      [0, false],
      [0, false],
    ])
    expect(lookups).toEqual([])
  })

  test('takes the offsets of the broker before it, and marks what is not kept and what is still to come', async () => {
    const bins = await countsOf(-40, 140, 9)
    expect(bins.map(({ count }) => count)).toEqual([0, 0, 20, 20, 20, 19, 20, 0, 0])
    expect(bins.map(({ kept }) => kept)).toEqual([false, false, true, true, true, true, true, true, true])
    expect(bins.map(({ exact }) => exact)).toEqual([false, false, false, false, false, true, true, true, true])
    expect(lookups).toHaveLength(5)
  })

  test('estimates the place of a message that the broker cannot deliver', async () => {
    unreadableAt = at(20)
    const bins = await countsOf(0, 60, 3)
    expect(bins.map(({ count, firstOffset }) => [count, firstOffset])).toEqual([
      [20, 100],
      [20, 120],
      [20, 140],
    ])
    expect(lookups).toContain(unreadableAt)
  })

  test('counts those of one exchange in the hot window, and none before it', async () => {
    const range = { from: at(40), to: at(100), bins: 3 }
    const { bins } = await histogram.count(range, { exchange: 'even' })
    expect(bins.map(({ count, exact }) => [count, exact])).toEqual([
      [null, false],
      [9, true],
      [10, true],
    ])
  })

  test('asks the broker a bounded number of times, and remembers the answers', async () => {
    const bins = await countsOf(0, 60, 200)
    expect(lookups.length).toBeLessThanOrEqual(50)
    expect(bins.reduce((sum, { count }) => sum + (count ?? 0), 0)).toBe(60)
    const before = lookups.length
    await countsOf(0, 60, 200)
    expect(lookups.length - before).toBeLessThanOrEqual(50)
    await countsOf(0, 60, 4)
    lookups.length = 0
    await countsOf(0, 60, 4)
    expect(lookups).toEqual([])
    epoch = 'two'
    await countsOf(0, 60, 4)
    expect(lookups).toHaveLength(4)
  })

  test('refuses a range or a number of bins that is out of bounds', async () => {
    await expect(countsOf(0, 10, 0)).rejects.toThrow('bins: expected 1 to 200, got 0')
    await expect(countsOf(0, 10, 201)).rejects.toThrow('bins: expected 1 to 200')
    await expect(countsOf(10, 10, 2)).rejects.toThrow('to: expected a time after "from"')
  })
})
