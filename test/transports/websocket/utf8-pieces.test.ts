import { isUtf8 } from 'node:buffer'
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { Utf8Pieces } from '../../../src/transports/websocket/utf8-pieces.ts'
import { runs } from '../../support/property.ts'

/** Which piece is refused, and whether the last character of all is complete. */
function check(pieces: readonly Buffer[]): [refused: number, isComplete: boolean] {
  const text = new Utf8Pieces()
  const refused = pieces.findIndex((piece) => !text.add(piece))
  return [refused, refused < 0 && text.isComplete]
}

/** The decoder of WHATWG refuses the first byte that no text can have (Encoding §8.1.1). */
function refusedByDecoder(pieces: readonly Buffer[]): number {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return pieces.findIndex((piece) => {
    try {
      decoder.decode(piece, { stream: true })
      return false
    } catch {
      return true
    }
  })
}

test('the characters at each border of UTF-8 are accepted byte by byte, and their neighbours refused', () => {
  const leads = Array.from({ length: 0x80 }, (_, low) => 0x80 + low)
  for (const lead of leads) {
    for (const second of [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]) {
      const pieces = [Buffer.from([lead]), Buffer.from([second])]
      expect([lead, second, check(pieces)[0]]).toEqual([lead, second, refusedByDecoder(pieces)])
    }
  }
})

test('text in pieces is refused in the piece with the first invalid byte', () => {
  const byte = fc.oneof(
    fc.constantFrom(0x61, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xe1, 0xed, 0xf0, 0xf1, 0xf4, 0xf5),
    fc.nat(255),
  )
  const part = fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text)) },
    { weight: 1, arbitrary: fc.array(byte, { maxLength: 3 }).map((bytes) => Buffer.from(bytes)) },
  )
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }),
      (parts, sizes) => {
        const bytes = Buffer.concat(parts)
        const pieces: Buffer[] = []
        for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0)
          pieces.push(bytes.subarray(at, at + (sizes[pieces.length % sizes.length] ?? 1)))
        const [refused, isComplete] = check(pieces)
        expect([refused, isComplete]).toEqual([refusedByDecoder(pieces), isUtf8(bytes)])
      },
    ),
    runs(800),
  )
})
