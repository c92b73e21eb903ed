import { describe, expect, test } from '@jest/globals'
import { beginReading, JournalReader, type Reserve } from '../../../../src/core/inspection/journal/journal-reader.ts'
import type { WindowEntry } from '../../../../src/core/ports/hot-window.ts'
import { storedEntries } from './stored-entries.ts'

const all = () => true
const even = ({ exchange }: WindowEntry) => exchange === 'even'
const offsetsOf = ({ entries }: { readonly entries: readonly WindowEntry[] }) => entries.map(({ offset }) => offset)

function readerOf(given?: Parameters<typeof storedEntries>[0]) {
  const { journal, hotWindow, scans } = storedEntries(given)
  const gateway = { epoch: 'one' }
  return { reader: new JournalReader(gateway, journal, hotWindow), scans, gateway }
}

describe('a reader of the journal', () => {
  test('reads forwards up to the last entry that this replica has read, without marks', async () => {
    const { reader, scans } = readerOf()
    const reading = beginReading(all, all)
    const part = await reader.forwards(93, 10, reading)
    expect(offsetsOf(part)).toEqual([93, 94, 96, 97, 98, 99])
    expect(part).toMatchObject({ first: { offset: 93 }, last: { offset: 99 }, more: false, stopped: false })
    expect(reading.compared).toBe(6)
    expect(scans).toEqual([])
  })

  test('reads from the journal what the hot window does not have', async () => {
    const { reader, scans } = readerOf()
    const part = await reader.forwards(78, 4, beginReading(all, all))
    expect(offsetsOf(part)).toEqual([78, 79, 80, 81])
    expect(part.entries.map(({ outcomes }) => outcomes !== undefined)).toEqual([false, false, true, true])
    expect(part.more).toBe(true)
    expect(scans).toEqual([78])
  })

  test('reads the last matching entries before an offset, oldest first', async () => {
    const { reader } = readerOf()
    const reading = beginReading(even, all)
    const part = await reader.backwards(90, 3, reading)
    expect(offsetsOf(part)).toEqual([84, 86, 88])
    expect(part).toMatchObject({ first: { offset: 84 }, last: { offset: 89 }, more: true, stopped: false })
    // The part of the page begins with its first message.
    expect(reading.compared).toBe(6)
  })

  test('reads backwards to the oldest entry, and knows that there is no more', async () => {
    const { reader } = readerOf()
    const part = await reader.backwards(13, 5, beginReading(all, all))
    expect(offsetsOf(part)).toEqual([10, 11, 12])
    expect(part.more).toBe(false)
  })

  test.each<[string, (reader: JournalReader, reserve: Reserve) => ReturnType<JournalReader['forwards']>, number[]]>([
    ['forwards', (reader, reserve) => reader.forwards(20, 9, beginReading(all, reserve)), [20, 21]],
    ['backwards', (reader, reserve) => reader.backwards(30, 9, beginReading(all, reserve)), [28, 29]],
  ])('ends %s before the first entry that has no room', async (_way, read, expected) => {
    const asked: boolean[] = []
    const reserve: Reserve = (_entry, isFirst) => asked.push(isFirst) <= 2
    const part = await read(readerOf().reader, reserve)
    expect(offsetsOf(part)).toEqual(expected)
    expect(part.more).toBe(true)
    expect(asked).toEqual([true, false, false])
  })

  test('reads the oldest offset once for each epoch', async () => {
    const { reader, scans, gateway } = readerOf()
    expect([await reader.oldest(), await reader.oldest()]).toEqual([10, 10])
    expect(scans).toEqual([0])
    gateway.epoch = 'two'
    await reader.oldest()
    expect(scans).toEqual([0, 0])
  })

  test('reads one entry again, if the journal has it', async () => {
    const { reader, scans } = readerOf()
    expect((await reader.stored(20))?.offset).toBe(20)
    expect(await reader.stored(5)).toBeUndefined()
    expect(await reader.stored(100)).toBeUndefined()
    expect(scans).toEqual([20, 5])
  })
})
