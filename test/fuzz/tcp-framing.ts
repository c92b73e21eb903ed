import { deepStrictEqual, ok } from 'node:assert/strict'
import { GatewayError } from '../../src/errors.ts'
import { pieceBytes } from '../../src/transports/flow/unfinished-messages.ts'
import { isJson, readJson } from '../../src/transports/tcp/content.ts'
import { type TcpFrame, TcpFrameReader } from '../../src/transports/tcp/framing.ts'
import { splitInput } from './pieces.ts'

const maxBytes = 512

/** A client's framed requests: read in one piece and in many, the reader finds the same. */
export function fuzz(data: Buffer): void {
  const { bytes, pieces } = splitInput(data)
  deepStrictEqual(read(pieces), read([bytes]))
}

function read(pieces: readonly Buffer[]): readonly unknown[] {
  const found: unknown[] = []
  const reader = new TcpFrameReader(() => maxBytes)
  try {
    for (const piece of pieces) {
      reader.push(piece)
      for (let frame = reader.next(); frame; frame = reader.next()) {
        ok(frame.content.length <= maxBytes)
        ok(frame.content.length === frame.header.contentLength)
        found.push([frame.header, frame.content.toString('latin1'), requestIn(frame)])
      }
      ok(reader.unfinished <= 2 + 0xffff + maxBytes + 1_025 * pieceBytes)
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    found.push([error.code, error.message])
  }
  return found
}

function requestIn(frame: TcpFrame): unknown {
  if (!isJson(frame)) return 'binary'
  try {
    return readJson(frame)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return error.message
  }
}
