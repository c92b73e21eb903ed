import { deepStrictEqual, ok } from 'node:assert/strict'
import { pieceBytes } from '../../src/transports/flow/unfinished-messages.ts'
import { BrokenFrame, FrameReader } from '../../src/transports/websocket/frame-reader.ts'
import { splitInput } from './pieces.ts'

const maxMessageBytes = 512

/** A client's frames: read in one piece and in many, the reader finds the same, within its limits. */
export function fuzz(data: Buffer): void {
  const { bytes, pieces } = splitInput(data)
  deepStrictEqual(read(pieces), read([Buffer.from(bytes)]))
}

function read(pieces: readonly Buffer[]): readonly unknown[] {
  const found: unknown[] = []
  let messages = 0
  const reader = new FrameReader({
    maxMessageBytes,
    onMessage(message, isBinary) {
      messages += 1
      ok(message.length <= maxMessageBytes)
      found.push(['message', message.toString('latin1'), isBinary])
    },
    onPing(payload) {
      ok(payload.length <= 125)
      found.push(['ping', payload.toString('latin1')])
    },
    onPong: () => void found.push(['pong']),
    onCloseFrame(code, reason) {
      ok(code === 1005 || (code >= 1000 && code < 5000))
      found.push(['close', code, reason.toString('latin1')])
    },
  })
  try {
    for (const piece of pieces) {
      reader.read(piece)
      ok(reader.unfinished <= 2 * (maxMessageBytes + 14) + 2 * 1_024 * pieceBytes + 16_384 * pieceBytes)
    }
    ok(reader.messages === messages)
  } catch (error) {
    if (!(error instanceof BrokenFrame)) throw error
    found.push(['broken', error.code])
  }
  return found
}
