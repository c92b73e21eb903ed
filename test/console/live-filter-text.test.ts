import { expect, test } from '@jest/globals'
import { filterText } from '../../src/console/views/live/filter-text.ts'

const text = (query: string) => filterText(new URLSearchParams(query))

test('the filter is a sentence, with the words that the rows use', () => {
  expect(text('')).toBeUndefined()
  expect(text('outcome=&message=c')).toBeUndefined()
  expect(text('exchange=orders&key=orders.%23&client=alice&text=17')).toBe(
    'Only messages of the exchange orders, with a key like orders.#, for the client alice, with exactly “17” in the body.',
  )
  expect(text('client=alice&outcome=DELIVERED,UNMATCHED')).toBe(
    'Only messages for the client alice, that a subscription took (delivered, waiting or dropped), or found no client.',
  )
})
