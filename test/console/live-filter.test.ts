import { expect, test } from '@jest/globals'
import { filterOf, isChosen } from '../../src/console/views/live/filter.ts'

test('the filter "no client" shows messages without a client that typed fields read, too', () => {
  const { filter } = filterOf(new URLSearchParams('outcome=UNMATCHED'))
  expect(filter?.outcomes).toEqual(['UNMATCHED', 'NO_SUBSCRIBER'])
  const shown = [
    { outcome: 'UNMATCHED', withoutClient: true },
    { outcome: 'NO_SUBSCRIBER', withoutClient: true },
    { outcome: 'NO_SUBSCRIBER', withoutClient: false },
  ]
  const chosenBy = (...chosen: string[]) => shown.map((entry) => isChosen(entry, chosen))
  expect(chosenBy('UNMATCHED')).toEqual([true, true, false])
  expect(chosenBy('NO_SUBSCRIBER')).toEqual([false, false, true])
  expect(chosenBy()).toEqual([true, true, true])
})
