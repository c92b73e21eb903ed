import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Seeded } from '../../ledger/seeded.ts'
import { type FramedAnswer, frameBytes, frameReader } from '../../support/frames/framed.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { type Cut, splittingProxy } from '../../support/network/splitting-proxy.ts'
import { repetitions } from '../../support/repetitions.ts'

const maxBytes = 1024
let gateway: InProcessGateway
let port: number

beforeAll(async () => {
  port = await freePort()
  gateway = await openGateway({
    WARREN_TCP_PORT: String(port),
    WARREN_MAX_MESSAGE_BYTES: `${maxBytes}`,
    // Otherwise the header of an anonymous client would be limited.
    WARREN_LEGACY_ACCESS: 'open',
  })
})
afterAll(() => gateway.close())

const text = (id: string) => JSON.stringify({ action: 'search', value: id, id })
const bigEndian = (characters: string) => Buffer.from(characters, 'utf16le').swap16()
const byteOrderMark = '\ufeff'

/** An answer with the same `id` shows that the request was decoded correctly. */
const encodings: readonly [encoding: string, byteorder: 'little' | 'big', content: Buffer, id: string][] = [
  ['utf-8', 'little', Buffer.from(text('ü€😀')), 'ü€😀'],
  ['utf-8', 'big', Buffer.from(text('ü€😀')), 'ü€😀'],
  ['utf-16', 'little', Buffer.from(text('ü€'), 'utf16le'), 'ü€'],
  ['utf-16', 'big', bigEndian(text('ü€')), 'ü€'],
  ['utf-16', 'big', Buffer.from(byteOrderMark + text('marked'), 'utf16le'), 'marked'],
  ['utf_16_le', 'big', Buffer.from(text('€'), 'utf16le'), '€'],
  ['UTF-16BE', 'little', bigEndian(text('€')), '€'],
  ['latin-1', 'little', Buffer.from(text('ü'), 'latin1'), 'ü'],
  ['ascii', 'big', Buffer.from(text('u')), 'u'],
]
const small = Buffer.concat([
  ...encodings.map(([encoding, byteorder, content]) =>
    frameBytes(content, { 'content-encoding': encoding, byteorder }),
  ),
  frameBytes(Buffer.alloc(0)),
  frameBytes(Buffer.alloc(0), {
    'content-type': 'application/octet-stream',
    'content-encoding': 'binary',
    byteorder: 'big',
  }),
])
const large = Buffer.concat([
  small,
  frameBytes(Buffer.from(text('maximal').padEnd(maxBytes))),
  frameBytes(Buffer.alloc(maxBytes, 0xff), { 'content-type': 'binary/x', 'content-encoding': 'binary' }),
  // The largest header that a length of two bytes allows.
  frameBytes(Buffer.from(text('header')), { padding: 'x'.repeat(65_535 - 114) }),
  small,
])

/** All answers to these bytes on a new connection, which the client ends. */
async function answersTo(bytes: Buffer, through: number): Promise<unknown[]> {
  const answers: FramedAnswer[] = []
  const socket = connect({ port: through, host: '127.0.0.1', noDelay: true })
  socket.on(
    'data',
    frameReader((answer) => answers.push(answer)),
  )
  socket.end(bytes)
  await once(socket, 'close')
  return answers.map(({ header, content, json }) => [header, content.toString('latin1'), json])
}

test('every encoding and byte order is decoded correctly, and empty content is answered too', async () => {
  const answers = (await answersTo(small, port)) as [unknown, string, Record<string, unknown>][]
  expect(answers.slice(0, encodings.length).map(([, , json]) => json)).toEqual(
    encodings.map(([, , , id]) => ({ action: 'search', id, result: [] })),
  )
  expect(answers.slice(encodings.length)).toEqual([
    [
      expect.anything(),
      expect.anything(),
      { error: expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'content' }) },
    ],
    [expect.anything(), 'First 10 bytes of request: ', {}],
  ])
})

const stride = repetitions(6, 1)

test(`split at one position of each ${stride}, the answers are the same`, async () => {
  // Compared as strings: more than a thousand deep comparisons would take longer than the
  // connections.
  const whole = JSON.stringify(await answersTo(small, port))
  let next = 1
  const lane = async () => {
    for (let place = next; place < small.length; place = next) {
      next += stride
      await using proxy = await splittingProxy(port, () => (offset) => (offset === 0 ? place : small.length))
      expect(JSON.stringify(await answersTo(small, proxy.port))).toBe(whole)
    }
  }
  await Promise.all(Array.from({ length: 24 }, lane))
})

test('in single bytes, the answers are the same', async () => {
  await using proxy = await splittingProxy(port, () => () => 1)
  expect(await answersTo(small, proxy.port)).toEqual(await answersTo(small, port))
})

test('split and merged at random, the answers are the same, to the largest header and content', async () => {
  const whole = await answersTo(large, port)
  expect(whole).toHaveLength(2 * (encodings.length + 2) + 3)
  const lane = async (_: unknown, seed: number) => {
    const seeded = new Seeded(seed)
    const cuts = (): Cut => () => 1 + Math.floor(4 ** (seeded.next() * 8))
    await using proxy = await splittingProxy(port, cuts)
    expect(await answersTo(large, proxy.port)).toEqual(whole)
  }
  await Promise.all(Array.from({ length: repetitions(12, 40) }, lane))
})
