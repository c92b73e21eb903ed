import { expect, test } from '@jest/globals'
import { outcomeText } from '../../../src/core/accounting/outcome-text.ts'
import type { TracedField } from '../../../src/core/accounting/replica-trace.ts'

const message = {
  outcome: 'delivered',
  reason: null,
  matched: 2,
  delivered: 2,
  dropped: 0,
  clientCount: 1,
  sourceReasons: [],
  fields: [],
} as const
const misfit: TracedField = { field: 'orderChanged', outcome: 'invalid', detail: '/total: expected a number' }
const fits: TracedField = { field: 'orders', outcome: 'matched', detail: null }

test('a message that was delivered and does not fit a typed field has both in its sentence', () => {
  const delivered = '2 of 2 subscriptions received it.'
  expect(outcomeText(message, 'one replica', 0)).toBe(delivered)
  expect(outcomeText({ ...message, reason: 'schema', fields: [misfit, fits] }, 'one replica', 0)).toBe(
    `${delivered} A copy of it went to the quarantine, because it does not fit the typed field orderChanged, /total: expected a number.`,
  )
  // A newer schema takes it.
  expect(outcomeText({ ...message, reason: 'schema', fields: [fits] }, 'all replicas', 0)).toBe(
    `${delivered} A copy of it went to the quarantine, because it did not fit a typed field.`,
  )
})
