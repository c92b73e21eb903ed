import { describe, expect, test } from '@jest/globals'
import { decodeBody } from '../../../src/core/body/decode-body.ts'
import { publicationOf } from '../../../src/core/publishing/to-publication.ts'

describe('published data', () => {
  const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as unknown
  const publication = (data: unknown) =>
    publicationOf({ clientId: 'alice', data }, { namespace: 'warren', publisher: '' })

  test('may nest as deep as the gateway can deliver it', () => {
    const { exchange = '', routingKey, body, properties } = publication(nested(1_000))
    const message = { exchange, routingKey, body, properties, redelivered: false, receivedAt: 0 }
    expect(decodeBody(message).data).toEqual(nested(1_000))
  })

  test.each([1_001, 100_000])('is refused with a field and a reason at %d levels', (levels) => {
    expect(() => publication(nested(levels))).toThrow('data: expected JSON that nests at most 1000 levels')
  })
})
