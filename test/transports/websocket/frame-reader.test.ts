import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import * as ws from 'ws'
import { pieceBytes } from '../../../src/transports/flow/unfinished-messages.ts'
import { BrokenFrame, FrameReader } from '../../../src/transports/websocket/frame-reader.ts'
import { isWholeRun, pick, runs, weighted } from '../../support/property.ts'

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
  /** What the header announces, if it is not the length of the payload. */
  readonly length?: number | undefined
  readonly payload: Buffer
  readonly mask: Buffer
  /** How many bytes more than necessary the length takes. */
  readonly wide: 0 | 1 | 2
}

function bytesOf({ fin, reserved, opcode, masked, length, payload, mask, wide }: Frame): Buffer {
  const announced = length ?? payload.length
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  const bit = masked ? 0x80 : 0
  const header =
    announced < 126 && wide === 0
      ? Buffer.from([first, bit | announced])
      : announced < 65_536 && wide < 2
        ? Buffer.from([first, bit | 126, announced >> 8, announced & 0xff])
        : Buffer.concat([Buffer.from([first, bit | 127]), eightBytes(announced)])
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
const content = weighted(
  [87, pick(...texts).map((text) => Buffer.from(text))],
  [10, fc.tuple(pick(...texts), fc.nat(4_096)).map(([text, length]) => Buffer.from(text).subarray(0, length))],
  [3, fc.constant(Buffer.from([0xff, 0xfe]))],
)
const closeContent = weighted(
  [3, fc.constant(Buffer.alloc(0))],
  [
    7,
    fc
      .tuple(pick(999, 1000, 1001, 1004, 1005, 1006, 1011, 1014, 1015, 2999, 3000, 4999, 5000, 65_535), content)
      .map(([code, reason]) => Buffer.concat([Buffer.from([code >> 8, code & 0xff]), reason.subarray(0, 50)])),
  ],
)
const mask = weighted(
  [9, fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes))],
  [1, fc.constant(Buffer.alloc(4))],
)
const form = {
  mask,
  reserved: weighted([49, pick(0)], [1, fc.nat(7)]),
  masked: weighted([99, pick(true)], [1, pick(false)]),
  wide: weighted<0 | 1 | 2>([96, pick(0)], [2, pick(1)], [2, pick(2)]),
  length: weighted<number | undefined>([49, pick(undefined)], [1, pick(4_097, 70_000, 2 ** 40, 2 ** 53)]),
}
const dataFrame = fc.record({
  ...form,
  opcode: pick(1, 1, 2),
  fin: weighted([7, pick(true)], [3, pick(false)]),
  payload: content,
})
const fin = weighted([97, pick(true)], [3, pick(false)])
const short = content.map((payload) => payload.subarray(0, 125))
const controlFrame = weighted<Frame>(
  [2, fc.record({ ...form, opcode: pick(9), fin, payload: weighted([9, short], [1, content]) })],
  [1, fc.record({ ...form, opcode: pick(10), fin, payload: weighted([9, short], [1, content]) })],
  [1, fc.record({ ...form, opcode: pick(8), fin, payload: closeContent })],
)
const oddFrame = fc.record({ ...form, opcode: fc.nat(15), fin, payload: weighted([9, short], [1, content]) })
const frames = fc
  .array(weighted<Frame>([71, dataFrame], [25, controlFrame], [4, oddFrame]), { minLength: 1, maxLength: 8 })
  .map(continued)

/** After the first fragment of a message, the next frames of data continue it. */
function continued(list: readonly Frame[]): Frame[] {
  let fragmented = false
  return list.map((frame) => {
    const isData = frame.opcode === 1 || frame.opcode === 2
    const placed = isData && fragmented ? { ...frame, opcode: 0 } : frame
    if (placed.opcode < 8) fragmented = !placed.fin
    return placed
  })
}

/** Lengths of the pieces that the network delivers, used in turn. */
const cuts = pick(1, 3, 17, 500, 70_000).chain((max) =>
  fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 20 }),
)

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += chunks.at(-1)?.length ?? 0)
    chunks.push(bytes.subarray(at, at + (lengths[chunks.length % lengths.length] ?? 1)))
  return chunks
}

const plain: Frame = {
  fin: true,
  reserved: 0,
  opcode: 1,
  masked: true,
  payload: Buffer.alloc(0),
  mask: Buffer.from([1, 2, 3, 4]),
  wide: 0,
}

describe('the frame reader', () => {
  test('reads the same messages as ws in pieces of any size, and breaks with the same code', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(frames, cuts, async (list, lengths) => {
        const chunks = cut(Buffer.concat(list.map(bytesOf)), lengths)
        const expected = await byWs(chunks)
        const read = byWarren(chunks)
        if (read.at(-1)?.[1] === 1007) {
          // ws reads on to the end of the message. It must not deliver it.
          const before = read.length - 1
          expect(read.slice(0, before)).toEqual(expected.slice(0, before))
          expect(expected.slice(before).map(([what]) => what)).not.toContain('message')
        } else {
          expect(read).toEqual(expected)
        }
        for (const [what, code] of expected) seen.add(what === 'broken' ? `${what} ${String(code)}` : what)
      }),
      runs(150),
    )
    // The run counts only if it had all of them.
    if (!isWholeRun) return
    expect([...seen].toSorted()).toEqual([
      'broken 1002',
      'broken 1007',
      'broken 1009',
      'close',
      'message',
      'ping',
      'pong',
    ])
  })

  const invalid = Buffer.concat([Buffer.from('κόσμε'), Buffer.from([0xf4, 0x90])])

  test('breaks at the first invalid byte of text, in a fragment and in a frame of which more is to come', () => {
    const first = bytesOf({ ...plain, fin: false, payload: invalid.subarray(0, -1) })
    const second = bytesOf({ ...plain, fin: false, opcode: 0, payload: invalid.subarray(-1) })
    expect([byWarren([first]), byWarren([first, second])]).toEqual([[], [['broken', 1007]]])
    const whole = bytesOf({ ...plain, payload: Buffer.concat([invalid, Buffer.from('more')]) })
    const bytes = Array.from(whole, (byte) => Buffer.from([byte]))
    expect(byWarren(bytes.slice(0, -4))).toEqual([['broken', 1007]])
    expect(byWarren(bytes.slice(0, -5))).toEqual([])
    // The same in the second fragment, and in a piece of many bytes.
    const start = bytesOf({ ...plain, fin: false, payload: Buffer.from('ok') })
    const later = bytesOf({ ...plain, opcode: 0, payload: Buffer.concat([invalid, Buffer.from('more')]) })
    expect(byWarren([start, later.subarray(0, -4)])).toEqual([['broken', 1007]])
    expect(byWarren([start, later.subarray(0, -5), later.subarray(-5)])).toEqual([['broken', 1007]])
  })

  test('checks no bytes of binary messages, nor of control frames within text', () => {
    const first = bytesOf({ ...plain, opcode: 2, fin: false, payload: invalid })
    const last = bytesOf({ ...plain, opcode: 0, payload: invalid })
    expect(byWarren([first, last.subarray(0, -1), last.subarray(-1)]).map(([what]) => what)).toEqual(['message'])
    const text = bytesOf({ ...plain, fin: false, payload: Buffer.from('κ').subarray(0, 1) })
    const ping = bytesOf({ ...plain, opcode: 9, payload: invalid })
    const rest = bytesOf({ ...plain, opcode: 0, payload: Buffer.from('κ').subarray(1) })
    const all = byWarren([text, ping.subarray(0, -1), ping.subarray(-1), rest])
    expect(all.map(([what]) => what)).toEqual(['ping', 'message'])
    expect(byWarren([text, bytesOf({ ...plain, opcode: 0 })])).toEqual([['broken', 1007]])
  })

  test('breaks with 1008 at a message in too many fragments', () => {
    const frame = (opcode: number) => bytesOf({ ...plain, fin: false, opcode })
    const rest = (count: number) => Array.from({ length: count }, () => frame(0))
    const last = bytesOf({ ...plain, opcode: 0 })
    expect(byWarren([Buffer.concat([frame(1), ...rest(16 * 1024)])])).toEqual([['broken', 1008]])
    expect(byWarren([Buffer.concat([frame(1), ...rest(16 * 1024 - 2), last])])).toEqual([['message', '', false]])
  })

  test('reads byte by byte without copying the bytes before again and again', () => {
    const payload = Buffer.alloc(maxBytes, 'x')
    const bytes = Array.from(bytesOf({ ...plain, payload }), (byte) => Buffer.from([byte]))
    expect(byWarren(bytes)).toEqual([['message', payload.toString(), false]])
  })

  test.each<[string, Frame, number]>([
    ['without a mask', { ...plain, masked: false, payload: Buffer.from('a') }, 1002],
    ['with a length above 32 bits', { ...plain, length: 2 ** 32 + 1, wide: 2 }, 1009],
    ['with a length just above the limit', { ...plain, length: maxBytes + 1 }, 1009],
  ])('breaks at a frame %s', (_what, frame, code) => {
    expect(byWarren([bytesOf(frame)])).toEqual([['broken', code]])
  })

  test('limits messages, not control frames, and accepts an empty last fragment at the limit', () => {
    const pings: number[] = []
    const messages: number[] = []
    const reader = new FrameReader({
      maxMessageBytes: 10,
      onMessage: ({ length }) => messages.push(length),
      onPing: ({ length }) => pings.push(length),
      onPong: () => {},
      onCloseFrame: () => {},
    })
    reader.read(bytesOf({ ...plain, opcode: 9, payload: Buffer.alloc(20) }))
    reader.read(bytesOf({ ...plain, fin: false, payload: Buffer.alloc(10) }))
    reader.read(bytesOf({ ...plain, opcode: 0 }))
    expect([pings, messages]).toEqual([[20], [10]])
  })

  test('reads nothing more once the incomplete message is dropped', () => {
    const events: unknown[] = []
    const reader = new FrameReader({
      maxMessageBytes: 10,
      onMessage: (data) => events.push(data.toString()),
      onPing: () => {},
      onPong: () => {},
      onCloseFrame: () => {},
    })
    const bytes = bytesOf({ ...plain, payload: Buffer.from('abc') })
    expect(reader.unfinished).toBe(0)
    reader.read(bytes.subarray(0, 5))
    expect(reader.unfinished).toBe(5 + pieceBytes)
    reader.drop()
    expect(reader.unfinished).toBe(0)
    reader.read(bytes.subarray(5))
    reader.read(Buffer.from(bytes))
    expect([events, reader.unfinished]).toEqual([[], 0])
  })
})
