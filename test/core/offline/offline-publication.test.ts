import { expect, test } from '@jest/globals'
import { offlinePublication } from '../../../src/core/offline/offline-publication.ts'

test('a notice is a message on <namespace>.offline with the key message.<id>, which needs no queue', () => {
  const absence = { clientId: 'pia', cursor: 'c2', after: 'c1', source: 's', exchange: 'orders', at: 1_700_000_000_123 }
  const { body, ...message } = offlinePublication('shop', absence)
  expect(message).toEqual({
    exchange: 'shop.offline',
    routingKey: 'message.pia',
    // AMQP has seconds.
    properties: { contentType: 'application/json', type: 'message', timestamp: 1_700_000_000_000 },
    mandatory: false,
  })
  expect(JSON.parse(body.toString())).toEqual({ ...absence, at: '2023-11-14T22:13:20.123Z' })
})
