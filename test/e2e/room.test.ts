import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { connectFrames, type FrameClient } from '../support/frames/frames.ts'
import { type GatewayProcess, startGateway } from '../support/gateway/gateway-process.ts'
import { privateRabbit, type RabbitNode, type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { startProcessor, startPythonProcessor } from './back-end/processors.ts'

interface RoomFrame {
  readonly kind: 'joined' | 'sent' | 'other' | 'processed'
  readonly text: string
}

async function joinThrough(gateway: GatewayProcess): Promise<FrameClient & { nextFrame(): Promise<RoomFrame> }> {
  const client = await connectFrames(`ws://127.0.0.1:${gateway.port}/ws?envelope=json`)
  const nextFrame = async () => JSON.parse(await client.next(30_000)) as RoomFrame
  expect(await nextFrame()).toEqual({ kind: 'joined' })
  return Object.assign(client, { nextFrame })
}

/**
 * Collects frames until there are so many of each kind, by kind: a processor may be faster than the
 * confirm of the broker.
 */
async function gather(client: { nextFrame(): Promise<RoomFrame> }, counts: Partial<Record<RoomFrame['kind'], number>>) {
  const texts: Record<RoomFrame['kind'], string[]> = { joined: [], sent: [], other: [], processed: [] }
  const kinds = Object.keys(texts) as RoomFrame['kind'][]
  while (kinds.some((kind) => texts[kind].length < (counts[kind] ?? 0))) {
    const frame = await client.nextFrame()
    texts[frame.kind].push(frame.text)
  }
  return texts
}

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name} ${n}`)
const open = (url: string) => ({ env: { WARREN_BROKER_URL: url, WARREN_LEGACY_ACCESS: 'open' } })

describe('two replicas with processors of the old manager', () => {
  let vhost: TestVhost
  let a: GatewayProcess
  let b: GatewayProcess

  beforeAll(async () => {
    vhost = await testVhost('room')
    a = await startGateway(open(vhost.url))
    b = await startGateway(open(vhost.url))
  }, 60_000)
  afterAll(async () => {
    await Promise.all([a?.[Symbol.asyncDispose](), b?.[Symbol.asyncDispose]()])
    await vhost?.close()
  })

  test('are one room: every member receives each text once, in order, and what two processors in Python made of it', async () => {
    await using one = await startPythonProcessor(vhost.url)
    await using two = await startPythonProcessor(vhost.url)
    await using here = await joinThrough(a)
    await using beside = await joinThrough(a)
    await using there = await joinThrough(b)
    const texts = numbered('text', 50)
    for (const text of texts) here.send(text)
    const [atHere, atBeside, atThere] = await Promise.all([
      gather(here, { processed: 100, sent: 50 }),
      gather(beside, { processed: 100, other: 50 }),
      gather(there, { processed: 100, other: 50 }),
    ])
    expect(atHere).toMatchObject({ sent: texts, other: [] })
    expect(atBeside).toMatchObject({ sent: [], other: texts })
    expect(atThere).toMatchObject({ sent: [], other: texts })
    const outcomes = texts.flatMap((text) => Array.from({ length: 2 }, () => `${text.toUpperCase()} (py)`)).sort()
    for (const at of [atHere, atBeside, atThere]) expect(at.processed.sort()).toEqual(outcomes)
    await eventually(
      'both processors to print everything',
      () => one.printed.length + two.printed.length >= 2 * texts.length,
    )
    expect([one.printed, two.printed]).toEqual([texts, texts])
  }, 60_000)

  let attempts = 0
  test.each([
    ['in Python, by a queue', startPythonProcessor],
    ['on the Distributor, by a group', startProcessor],
  ])(
    'share their texts among processors %s',
    async (how, start) => {
      attempts += 1
      // A queue outlives its processors, and keeps collecting.
      const group = `${how.split(' ')[1] ?? ''}${attempts}`
      await using one = await start(vhost.url, group)
      await using two = await start(vhost.url, group)
      await using here = await joinThrough(a)
      await using there = await joinThrough(b)
      const texts = numbered(how, 40)
      for (const text of texts) there.send(text)
      const { processed, other } = await gather(here, { processed: 40, other: 40 })
      expect(other).toEqual(texts)
      expect(processed.sort()).toEqual(texts.map((text) => `${text.toUpperCase()} (${group})`).sort())
      // The processors print after they answer.
      await eventually(
        'both processors to print everything',
        () => one.printed.length + two.printed.length >= texts.length,
      )
      expect(one.printed.length).toBeGreaterThan(0)
      expect(two.printed.length).toBeGreaterThan(0)
      expect([...one.printed, ...two.printed].sort()).toEqual([...texts].sort())
    },
    60_000,
  )
})

describe('RabbitMQ stops and starts', () => {
  let node: RabbitNode
  beforeAll(async () => {
    node = await privateRabbit('room')
  }, 60_000)
  afterAll(() => node?.remove())

  test('and no accepted text is lost: every member receives it, in order, and so does the processor', async () => {
    await using a = await startGateway(open(node.url()))
    await using b = await startGateway(open(node.url()))
    await using sharing = await startProcessor(node.url(), 'shared')
    await using withIt = await startProcessor(node.url(), 'shared')
    await using here = await joinThrough(a)
    await using there = await joinThrough(b)
    const before = numbered('before', 20)
    for (const text of before) here.send(text)
    await gather(here, { processed: 20, sent: 20 })
    expect((await gather(there, { processed: 20, other: 20 })).other).toEqual(before)

    const through = numbered('through', 300)
    const sending = (async () => {
      for (const text of through) {
        here.send(text)
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    })()
    await node.stop()
    await eventually('the gateway to notice', async () => (await a.readiness()) !== 200)
    await node.start()
    await sending

    const everything = new Set(through.map((text) => `${text.toUpperCase()} (shared)`))
    const textsOf = async (client: { nextFrame(): Promise<RoomFrame> }) => {
      const received = { sent: [] as string[], other: [] as string[] }
      const missing = new Set(everything)
      while (missing.size > 0 || received.sent.length + received.other.length < through.length) {
        const { kind, text } = await client.nextFrame()
        if (kind === 'processed') missing.delete(text)
        else if (kind !== 'joined') received[kind].push(text)
      }
      return received
    }
    const [atHere, atThere] = await Promise.all([textsOf(here), textsOf(there)])
    const all = new Set([...before, ...through])
    await eventually(
      'the processor to print everything',
      () => new Set([...sharing.printed, ...withIt.printed]).size >= all.size,
    )
    expect(new Set([...sharing.printed, ...withIt.printed])).toEqual(all)
    expect(atHere).toEqual({ sent: through, other: [] })
    expect(atThere).toEqual({ sent: [], other: through })
  }, 180_000)
})
