import { expect, test } from '@jest/globals'
import { reviveTrace } from '../../../src/core/accounting/message-trace.ts'

const message = {
  offset: 1,
  exchange: 'warren.events',
  routingKey: 'client.alice',
  receivedAt: 1,
  reason: null,
  sources: [],
  clients: ['alice'],
  clientCount: 1,
  matched: 0,
  delivered: 0,
  dropped: 0,
}

const outcomes: Readonly<Record<string, string | null>> = {
  heard: 'delivered',
  unheard: 'no_subscriber',
  delivered: 'delivered',
  unmatched: 'unmatched',
  unknown: null,
}

test.each(Object.entries(outcomes))('reads the outcome %s of another replica as %s', (sent, expected) => {
  const trace = reviveTrace({ replica: 'other', since: 1, messages: [{ ...message, outcome: sent }] })
  expect(trace?.messages).toMatchObject([{ outcome: expected }])
  // As the previous release calls it.
  expect(reviveTrace({ replica: 'other', since: 1, messages: [{ ...message, fate: sent }] })).toEqual(trace)
})
