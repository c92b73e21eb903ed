import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway/gateway-process.ts'
import { privateRabbit, type RabbitNode } from '../support/rabbitmq/broker.ts'
import { startProcessor } from './back-end/processors.ts'
import { gather, joinThrough, numbered, open, type RoomFrame } from './room-member.ts'

describe('RabbitMQ stops and starts', () => {
  let node: RabbitNode
  beforeAll(async () => {
    node = await privateRabbit('room')
  })
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
  })
})
