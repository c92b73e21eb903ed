import { describe, expect, test } from '@jest/globals'
import { binaryDecoders } from '../../../src/events/values/binary-decoders.ts'

const { msgpack, cbor } = binaryDecoders
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

test.each<[hex: string, value: unknown]>([
  ['82 a1 61 01 a1 62 c0', { a: 1, b: null }],
  ['cf ff ff ff ff ff ff ff ff', 18446744073709551615n],
  ['d3 80 00 00 00 00 00 00 00', -9223372036854775808n],
  ['d6 ff 00 00 00 01', new Date(1_000)],
])('MessagePack %s', (hex, value) => {
  expect(msgpack?.(bytes(hex))).toEqual(value)
})

describe('CBOR', () => {
  // RFC 8949, appendix A, where it has such an example.
  test.each<[hex: string, value: unknown]>([
    [
      'a2 01 02 03 04',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    ['82 f7 f6', [null, null]],
    ['1b ff ff ff ff ff ff ff ff', 18446744073709551615n],
    ['c2 49 01 00 00 00 00 00 00 00 00', 18446744073709551616n],
    ['c3 49 01 00 00 00 00 00 00 00 00', -18446744073709551617n],
    ['c2 40', 0n],
    ['c3 40', -1n],
    ['c0 74 32 30 31 33 2d 30 33 2d 32 31 54 32 30 3a 30 34 3a 30 30 5a', '2013-03-21T20:04:00Z'],
    ['c1 1a 51 4b 67 b0', new Date('2013-03-21T20:04:00Z')],
    ['c1 fb 41 d4 52 d9 ec 20 00 00', new Date('2013-03-21T20:04:00.500Z')],
    ['d9 d9 f7 63 61 62 63', 'abc'],
  ])('%s', (hex, value) => {
    expect(cbor?.(bytes(hex))).toEqual(value)
  })

  test.each<[what: string, hex: string, message: string]>([
    ['a date that is no number', 'c1 61 78', 'tag 1: expected a number'],
    ['a bignum that is a number', 'c2 01', 'tags 2 and 3: expected at most 1024 bytes'],
    ['a bignum that is a text', 'c3 61 78', 'tags 2 and 3: expected at most 1024 bytes'],
    ['a bignum of 1,025 bytes', `c2 59 04 01 ${'01'.repeat(1_025)}`, 'tags 2 and 3: expected at most 1024 bytes'],
    ['an unknown tag', 'd8 20 61 78', 'tag'],
  ])('refuses %s', (_what, hex, message) => {
    expect(() => cbor?.(bytes(hex))).toThrow(message)
  })

  test('takes a bignum of 1,024 bytes', () => {
    expect(cbor?.(bytes(`c2 59 04 00 ${'ff'.repeat(1_024)}`))).toBe(2n ** 8192n - 1n)
  })
})
