import { describe, expect, test } from '@jest/globals'
import * as ws from 'ws'
import { BrokenFrame, FrameReader } from '../../../src/transports/websocket/frame-reader.ts'
import { Seeded } from '../../ledger/seeded.ts'
import { repetitions } from '../../support/repetitions.ts'

const maxBytes = 4_096

/** What was read, in order, and the close code of a broken frame. */
type Events = readonly [what: string, ...rest: unknown[]][]

function byWarren(chunks: readonly Buffer[]): Events {
  const events: [string, ...unknown[]][] = []
  const reader = new FrameReader({
    maxMessageBytes: maxBytes,
    onMessage: (data, isBinary) => events.push(['message', data.toString('latin1'), isBinary]),
    onPing: (data) => events.push(['ping', data.toString('latin1')]),
    onPong: () => events.push(['pong']),
    onCloseFrame: (code, reason) => events.push(['close', code, reason.toString()]),
  })
  try {
    for (const chunk of chunks) reader.read(Buffer.from(chunk))
  } catch (error) {
    if (!(error instanceof BrokenFrame)) throw error
    events.push(['broken', error.code])
  }
  return events
}

interface WsReceiver extends NodeJS.WritableStream {
  on(event: string, listener: (...values: never[]) => void): this
}

/** Missing in its types. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => WsReceiver }

/** The receiver of the package ws, as the reference. */
async function byWs(chunks: readonly Buffer[]): Promise<Events> {
  const events: [string, ...unknown[]][] = []
  const receiver = new Receiver({
    isServer: true,
    maxPayload: maxBytes,
    maxFragments: 16 * 1024,
  })
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    events.push(['message', data.toString('latin1'), isBinary]),
  )
  receiver.on('ping', (data: Buffer) => events.push(['ping', data.toString('latin1')]))
  receiver.on('pong', () => events.push(['pong']))
  receiver.on('conclude', (code: number, reason: Buffer) => events.push(['close', code, reason.toString()]))
  let over = false
  receiver.on('error', (error: Error) => {
    const status = Object.getOwnPropertySymbols(error).find((symbol) => symbol.description === 'status-code')
    events.push(['broken', status && (error as unknown as Record<symbol, unknown>)[status]])
    over = true
  })
  receiver.on('finish', () => {
    over = true
  })
  for (const chunk of chunks) {
    if (over || events.some(([what]) => what === 'close')) break
    await new Promise<void>((resolve) => {
      // Called with the error too.
      receiver.write(Buffer.from(chunk), () => resolve())
    })
    await new Promise((resolve) => setImmediate(resolve))
  }
  return events
}

interface Frame {
  readonly fin: boolean
  readonly reserved: number
  readonly opcode: number
  readonly masked: boolean
  readonly length?: number
  readonly payload: Buffer
}

function bytesOf({ fin, reserved, opcode, masked, length, payload }: Frame, random: Seeded): Buffer {
  const announced = length ?? payload.length
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  const bit = masked ? 0x80 : 0
  const wide = random.next()
  const header =
    announced < 126 && wide < 0.97
      ? Buffer.from([first, bit | announced])
      : announced < 65_536 && wide < 0.98
        ? Buffer.from([first, bit | 126, announced >> 8, announced & 0xff])
        : Buffer.concat([Buffer.from([first, bit | 127]), eightBytes(announced)])
  const mask = Buffer.from(Array.from({ length: 4 }, () => Math.floor(random.next() * 256)))
  if (random.next() < 0.1) mask.fill(0)
  const hidden = Buffer.from(payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0)))
  return Buffer.concat(masked ? [header, mask, hidden] : [header, payload])
}

function eightBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

const texts = [
  '',
  'a',
  '{"type":"ping"}',
  'é',
  '\u{1F407}',
  'x'.repeat(125),
  'x'.repeat(126),
  'y'.repeat(2_000),
  'z'.repeat(4_096),
]
const closeCodes = [999, 1000, 1001, 1004, 1005, 1006, 1011, 1014, 1015, 2999, 3000, 4999, 5000, 65_535]

function anyFrame(random: Seeded, fragmented: boolean): Frame {
  const odd = random.next() < 0.04
  const opcode = odd
    ? Math.floor(random.next() * 16)
    : random.next() < 0.25
      ? random.pick([9, 9, 10, 8])
      : fragmented
        ? 0
        : random.pick([1, 1, 2])
  const isControl = opcode > 7
  let payload = Buffer.from(random.pick(texts))
  if (random.next() < 0.1) payload = payload.subarray(0, Math.floor(random.next() * payload.length))
  if (random.next() < 0.03) payload = Buffer.from([0xff, 0xfe])
  if (opcode === 8) {
    const code = Buffer.alloc(2)
    code.writeUInt16BE(random.pick(closeCodes))
    payload = random.next() < 0.3 ? Buffer.alloc(0) : Buffer.concat([code, payload.subarray(0, 50)])
  }
  if (isControl && random.next() < 0.9) payload = payload.subarray(0, 125)
  return {
    fin: isControl ? random.next() < 0.97 : random.next() < 0.7,
    reserved: random.next() < 0.02 ? Math.floor(random.next() * 8) : 0,
    opcode,
    masked: random.next() < 0.99,
    payload,
    ...(random.next() < 0.02 ? { length: random.pick([4_097, 70_000, 2 ** 40, 2 ** 53]) } : {}),
  }
}

/** In pieces of any size, as the network delivers them. */
function cut(bytes: Buffer, random: Seeded): Buffer[] {
  const chunks: Buffer[] = []
  const longest = random.pick([1, 3, 17, 500, 70_000])
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random.next() * longest)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

describe('the frame reader', () => {
  test.each([1, 2].slice(0, repetitions(1, 2)))(
    'reads the same messages as ws in pieces of any size, and breaks with the same code (seed %i)',
    async (seed) => {
      const random = new Seeded(seed)
      const seen = new Set<string>()
      for (let number = 0; number < repetitions(150, 300); number += 1) {
        const frames: Frame[] = []
        let fragmented = false
        for (let count = 1 + Math.floor(random.next() * 8); count > 0; count -= 1) {
          const frame = anyFrame(random, fragmented)
          if (frame.opcode < 8) fragmented = !frame.fin
          frames.push(frame)
        }
        const chunks = cut(Buffer.concat(frames.map((frame) => bytesOf(frame, random))), random)
        const expected = await byWs(chunks)
        expect([number, byWarren(chunks)]).toEqual([number, expected])
        for (const [what, code] of expected) seen.add(what === 'broken' ? `${what} ${String(code)}` : what)
      }
      expect([...seen].toSorted()).toEqual([
        'broken 1002',
        'broken 1007',
        'broken 1009',
        'close',
        'message',
        'ping',
        'pong',
      ])
    },
  )

  test('breaks with 1008 at a message in too many fragments', () => {
    const random = new Seeded(1)
    const frame = (opcode: number) =>
      bytesOf({ fin: false, reserved: 0, opcode, masked: true, payload: Buffer.alloc(0) }, random)
    const chunks = [frame(1), ...Array.from({ length: 16 * 1024 }, () => frame(0))]
    expect(byWarren([Buffer.concat(chunks)])).toEqual([['broken', 1008]])
  })

  test('reads byte by byte without copying the bytes before again and again', () => {
    const payload = Buffer.alloc(maxBytes, 'x')
    const whole = bytesOf({ fin: true, reserved: 0, opcode: 1, masked: true, payload }, new Seeded(1))
    const bytes = Array.from(whole, (byte) => Buffer.from([byte]))
    expect(byWarren(bytes)).toEqual([['message', payload.toString(), false]])
  })
})
