import { expect, test } from '@jest/globals'
import { pageText, searchedText } from '../../src/console/views/journal/searched-text.ts'

test('messages and offsets of a search add up', () => {
  expect(searchedText({ messages: 386, firstOffset: 0, lastOffset: 1_398 }, true)).toBe(
    '386 messages were compared with the filter: the whole journal, offsets 0 to 1,398. The other 1,013 offsets are marks of the gateway.',
  )
  expect(searchedText({ messages: 3, firstOffset: 7, lastOffset: 9 }, false)).toBe(
    '3 messages were compared with the filter: offsets 7 to 9.',
  )
  expect(searchedText({ messages: 1, firstOffset: 7, lastOffset: 7 }, false)).toBe(
    '1 message was compared with the filter: offset 7.',
  )
  expect(searchedText({ messages: 1, firstOffset: 7, lastOffset: 8 }, false)).toContain(
    'The other offset is a mark of the gateway.',
  )
})

test('the heading of a page has the number of messages and their offsets', () => {
  expect(pageText([691, 688, 634])).toBe('3 messages, offsets 634 to 691')
  expect(pageText([7])).toBe('1 message, offset 7')
  expect(pageText([])).toBe('Messages')
})
