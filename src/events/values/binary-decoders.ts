import { decode as decodeMessagePack } from '@msgpack/msgpack'
import { decode as decodeCbor } from 'cborg'
import type { BinaryDecoders } from './binary-body.ts'

/** https://github.com/msgpack/msgpack/blob/master/spec.md and RFC 8949. */
export const binaryDecoders: BinaryDecoders = {
  msgpack: (bytes) => decodeMessagePack(bytes, { useBigInt64: true }),
  cbor: (bytes) => decodeCbor(bytes, { useMaps: true, coerceUndefinedToNull: true, tags: cborTags }),
}

/** RFC 8949 §3.4, by the number of the tag. Other tags are errors. */
const cborTags: Readonly<Record<number, (content: () => unknown) => unknown>> = {
  // A date as text.
  0: (content) => content(),
  1: (content) => {
    const seconds = content()
    if (typeof seconds !== 'number') throw new TypeError('tag 1: expected a number')
    return new Date(seconds * 1_000)
  },
  2: (content) => bignumOf(content()),
  3: (content) => -1n - bignumOf(content()),
  // Marks CBOR as such.
  55_799: (content) => content(),
}

/** The most bytes of a bignum: parsing longer ones takes time that grows with their square. */
const maxBignumBytes = 1_024

function bignumOf(bytes: unknown): bigint {
  if (!(bytes instanceof Uint8Array) || bytes.length > maxBignumBytes)
    throw new TypeError(`tags 2 and 3: expected at most ${maxBignumBytes} bytes`)
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}
