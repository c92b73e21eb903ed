import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { repetitions } from '../../support/repetitions.ts'
import { closePayload, frameBytes, opcodes, serverFrame } from './client-frames.ts'
import { type ConformanceCase, conformanceCases, type Step } from './conformance-cases.ts'
import { type Endpoint, endpoints } from './conformance-endpoints.ts'

/**
 * RFC 6455 in the groups of Autobahn|Testsuite, against each endpoint and against ws. Each case
 * ends with a ping and a close, so that a connection that has to stay open shows that it is, and
 * all bytes until the server's end of the connection are compared.
 */
const end: readonly Step[] = [
  { kind: 'ping', payload: Buffer.from('still open') },
  { kind: 'close', payload: closePayload(1000) },
]

type Message = Extract<Step, { kind: 'message' }>

/** The message with the application's text around it, so that the endpoint answers it. */
function wrapped({ fragments, form, isBinary, ...rest }: Message, [before, after]: Endpoint['around']): Message {
  if (form === 'exact') return { fragments, form, isBinary, ...rest }
  let content = fragments
  let [first, last] = [before, after]
  if (form !== 'content') {
    // A message that is too short for the application's text goes without it.
    if (form < before.length + after.length) [first, last] = ['', '']
    content = [Buffer.alloc(form - first.length - last.length, isBinary ? 0xfe : '*')]
  }
  const parts = content.map((part, place) =>
    Buffer.concat([Buffer.from(place === 0 ? first : ''), part, Buffer.from(place === content.length - 1 ? last : '')]),
  )
  return { fragments: parts, form, isBinary, ...rest }
}

/** The frames of a step. */
function framesOf(step: Step): Buffer[] {
  switch (step.kind) {
    case 'message':
      return step.fragments.flatMap((payload, place) => {
        const kind = step.isBinary ? opcodes.binary : opcodes.text
        const { lengthBytes } = step
        const frame = frameBytes({
          opcode: place === 0 ? kind : opcodes.continuation,
          payload,
          fin: place === step.fragments.length - 1,
          ...(lengthBytes === undefined ? {} : { lengthBytes }),
        })
        return [frame, ...(step.between[place] ?? []).flatMap(framesOf)]
      })
    case 'ping':
    case 'pong':
    case 'close':
      return [frameBytes({ opcode: opcodes[step.kind], payload: step.payload })]
    case 'broken':
    case 'frame':
      return [frameBytes(step.frame)]
  }
}

/** What the client receives, and what the other clients of a room do. */
function expectedOf(steps: readonly Step[], endpoint: Endpoint): { bytes: Buffer; others: Buffer } {
  const bytes: Buffer[] = []
  const others: Buffer[] = []
  const closeWith = (payload: Buffer) => void bytes.push(serverFrame(opcodes.close, payload))
  const inOrder = steps.flatMap((step): Step[] => (step.kind === 'message' ? [...step.between.flat(), step] : [step]))
  for (const step of inOrder) {
    if (step.kind === 'ping') bytes.push(serverFrame(opcodes.pong, step.payload))
    if (step.kind === 'close') closeWith(step.payload)
    if (step.kind === 'broken') closeWith(closePayload(step.code))
    if (step.kind === 'close' || step.kind === 'broken') break
    if (step.kind !== 'message') continue
    if (step.fails) {
      closeWith(closePayload(1007))
      break
    }
    const message = Buffer.concat(step.fragments)
    const answer = endpoint.answerTo(message, step.isBinary)
    bytes.push(answer.bytes)
    others.push(serverFrame(step.isBinary ? opcodes.binary : opcodes.text, message))
    if (answer.closes) break
  }
  return { bytes: Buffer.concat(bytes), others: Buffer.concat(others) }
}

function piecesOf(frames: readonly Buffer[], pieces: ConformanceCase['pieces']): readonly Buffer[] {
  if (pieces === 'frames') return frames
  const all = Buffer.concat(frames)
  if (pieces === 'one') return [all]
  return Array.from({ length: Math.ceil(all.length / pieces) }, (_, place) =>
    all.subarray(place * pieces, (place + 1) * pieces),
  )
}

/** Short enough for a message of Jest. Bytes that differ have different texts. */
function printed(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  if (text.length < 2_000) return text
  return `${text.slice(0, 500)}… (${text.length} bytes, SHA-256 ${createHash('sha256').update(bytes).digest('hex')})`
}

/** What the client receives, and what the other clients of the room receive. */
interface Received {
  readonly client: string
  readonly others: string | undefined
}

async function run({ steps, pieces }: ConformanceCase, endpoint: Endpoint): Promise<[Received, Received]> {
  const sent = [...steps, ...end].map((step) => (step.kind === 'message' ? wrapped(step, endpoint.around) : step))
  const { bytes, others } = expectedOf(sent, endpoint)
  using peer = await endpoint.open()
  for (const piece of piecesOf(sent.flatMap(framesOf), pieces)) await peer.write(piece)
  const client = printed(await peer.untilEnd())
  const ofOthers = await endpoint.received?.()
  return [
    { client, others: ofOthers && printed(ofOthers) },
    { client: printed(bytes), others: ofOthers && printed(others) },
  ]
}

const opened = new Map<string, Endpoint>()
beforeAll(async () => {
  for (const [name, open] of endpoints) opened.set(name, await open())
})
afterAll(async () => {
  await Promise.all([...opened.values()].map((endpoint) => endpoint[Symbol.asyncDispose]()))
})

/** Large messages and many: of text, and in a long run also of bytes. */
const largeKinds = repetitions(1, 2)
const cases = conformanceCases.filter(({ id }) => largeKinds === 2 || !/^9\.[2468]\./.test(id))

test.each(cases)('$id: $title', async (each) => {
  const results = await Promise.all(
    [...opened].map(async ([name, endpoint]) => [name, ...(await run(each, endpoint))] as const),
  )
  const received = Object.fromEntries(results.map(([name, actual]) => [name, actual]))
  expect(received).toEqual(Object.fromEntries(results.map(([name, , expected]) => [name, expected])))
})

test('each case has its own number', () => {
  const ids = conformanceCases.map(({ id }) => id)
  expect(ids.filter((id, place) => ids.indexOf(id) !== place)).toEqual([])
  expect(ids.length).toBeGreaterThan(280)
})
