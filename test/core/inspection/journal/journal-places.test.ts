import { describe, expect, test } from '@jest/globals'
import { JournalPlaces, type JournalPoint } from '../../../../src/core/inspection/journal/journal-places.ts'
import { beginReading, JournalReader } from '../../../../src/core/inspection/journal/journal-reader.ts'
import type { Cursor, CursorCodec } from '../../../../src/core/model/cursor.ts'
import { began, storedEntries } from './stored-entries.ts'

const { journal, hotWindow } = storedEntries()
/** Cursors as `epoch:offset`. */
const parse = (text: string) => {
  const [epoch, offset] = text.split(':')
  return offset === undefined ? undefined : ({ epoch, offset: Number(offset) } as Cursor)
}
const gateway = { epoch: 'one', cursors: { parse } as CursorCodec }
const places = new JournalPlaces(gateway, journal, hotWindow, new JournalReader(gateway, journal, hotWindow))
const find = (point: JournalPoint) => {
  const all = () => true
  return places.find(point, beginReading(all, all))
}
const at = (offset: number) => began + offset * 1_000

describe('a place in the journal', () => {
  test.each<[string, JournalPoint, number]>([
    ['a cursor', { cursor: 'one:42' }, 42],
    ['an offset', { offset: 10 }, 10],
    ['the id of a message in memory', { messageId: 'm85' }, 85],
  ])('is found exactly by %s', async (_what, point, offset) => {
    expect(await find(point)).toEqual({ offset, isExact: true })
  })

  test('is found by a time that this replica remembers', async () => {
    expect(await find({ timeMs: at(90) - 1 })).toEqual({ offset: 90, isExact: false })
  })

  test.each<[string, JournalPoint, number, string]>([
    ['a time before its memory', { timeMs: at(42) }, 40, 'RabbitMQ finds times only roughly'],
    ['a time after the last message', { timeMs: at(200) }, 100, 'No message was received since'],
    ['a cursor of another journal', { cursor: 'two:42' }, 0, 'a journal that was replaced'],
    ['an offset that retention deleted', { offset: 9 }, 9, 'it begins at 10'],
    ['an offset that does not exist yet', { offset: 100 }, 100, 'ends at offset 99'],
    ['the id of an older message', { messageId: 'm42' }, 100, 'No message with this id'],
  ])('has a note for %s', async (_what, point, offset, note) => {
    expect(await find(point)).toEqual({ offset, isExact: false, note: expect.stringContaining(note) })
  })

  test('is not known if RabbitMQ does not find a time before the page has to end', async () => {
    const slow = { ...journal, offsetAt: async () => undefined }
    const all = () => true
    const late = { ...beginReading(all, all), signal: AbortSignal.abort() }
    const found = new JournalPlaces(gateway, slow, hotWindow, new JournalReader(gateway, slow, hotWindow))
    await expect(found.find({ timeMs: at(42) }, late)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  })

  test.each<[string, JournalPoint, string]>([
    ['a text that is no cursor', { cursor: 'x' }, 'around.cursor'],
    ['a negative offset', { offset: -1 }, 'around.offset'],
    ['a fraction', { offset: 1.5 }, 'around.offset'],
  ])('is refused by the name of the argument for %s', async (_what, point, field) => {
    await expect(find(point)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining(field) })
  })
})
