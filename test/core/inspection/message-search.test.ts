import { describe, expect, test } from '@jest/globals'
import { MessageSearch } from '../../../src/core/inspection/message-search.ts'

describe('a search for messages', () => {
  test.each([
    ['order-17-created', 'order-17-created', true],
    ['order-17', 'order-17-created', true],
    ['Order 17', 'order-17-created', true],
    ['17 order', 'order-17-created', true],
    ['order 17', 'order-2026-17', true],
    ['order 17', 'order-170-created', false],
    ['order 17', 'order-18-created', false],
    ['order 17', undefined, false],
  ])('%s finds the message id %s: %s', (text, id, found) => {
    expect(new MessageSearch(text).isInId(id)).toBe(found)
  })

  test.each([
    ['order 17', 'orders.eu.created', '{"id":"o-17"}', true],
    ['order 17', 'chat', '{"order":17}', true],
    ['order 17', 'chat', '{"order":17.5}', false],
    ['order 17', 'chat', '{"order":3,"at":"2026-11-17T14:17:05.170Z"}', false],
    ['order 17', 'chat', '{"order":170}', false],
    ['Alice', 'chat', '{"name":"Alice"}', true],
    ['alice', 'chat', '{"name":"bob"}', false],
  ])('%s finds the key %s with the body %s: %s', (text, routingKey, body, found) => {
    expect(new MessageSearch(text).isInMessage({ routingKey, body: Buffer.from(body) })).toBe(found)
  })
})
