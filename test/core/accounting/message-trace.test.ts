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

test.each([
  ['`heard`', 'delivered'],
  ['unheard', 'no_subscriber'],
  ['delivered', 'delivered'],
  ['unmatched', 'unmatched'],
  ['unknown', null],
])('reads the outcome %s of another replica as %s', (sent, read) => {
  const trace = reviveTrace({ replica: 'other', since: 1, messages: [{ ...message, fate: sent }] })
  expect(trace?.messages).toMatchObject([{ fate: read }])
})
