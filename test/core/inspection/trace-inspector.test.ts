import { expect, test } from '@jest/globals'
import type { ReplicaTrace } from '../../../src/core/accounting/replica-trace.ts'
import type { Gathering } from '../../../src/core/cluster/gathering.ts'
import type { Gateway } from '../../../src/core/gateway.ts'
import type { JournalBrowser } from '../../../src/core/inspection/journal/journal-browser.ts'
import { type MessagePicture, TraceInspector } from '../../../src/core/inspection/trace-inspector.ts'
import type { WindowEntry } from '../../../src/core/ports/hot-window.ts'
import { ChunkedHotWindow } from '../../../src/hot-window/hot-window.ts'

const anything: MessagePicture = {
  exchange: null,
  routingKey: null,
  from: null,
  to: null,
  text: null,
  clientId: null,
  search: null,
}

/**
 * The ids of what one replica finds, in the order of the journal. It remembers messages with these
 * ids.
 */
async function found(ids: readonly string[], picture: Partial<MessagePicture>): Promise<(string | null)[]> {
  const hotWindow = new ChunkedHotWindow({ maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 })
  const entries = ids.map((messageId, offset): WindowEntry => {
    const rest = { exchange: 'orders', routingKey: 'k', body: Buffer.from('{}'), redelivered: false, mark: false }
    return { offset, receivedAt: Date.now(), properties: { messageId }, ...rest }
  })
  for (const entry of entries) hotWindow.add(entry)
  const traceHere = (isMeant: (entry: WindowEntry) => boolean) => ({
    replica: 'here',
    since: null,
    messages: entries.filter(isMeant).map(({ properties }) => ({ messageId: properties.messageId ?? null })),
  })
  const gateway = { tracer: { traceHere }, audienceOf: () => ['alice'] } as unknown as Gateway
  const answerers = new Map<string, (args: unknown) => unknown>()
  const gathering = {
    answer: (topic: string, answerer: (args: unknown) => unknown) => void answerers.set(topic, answerer),
    ask: async (topic: string, args: unknown) => ({
      answers: [{ replica: 'here', value: (await answerers.get(topic)?.(args)) as ReplicaTrace }],
    }),
  } as unknown as Gathering
  const inspector = new TraceInspector(gateway, gathering, {} as JournalBrowser, hotWindow)
  const [trace] = await inspector.like({ ...anything, ...picture })
  return (trace?.messages ?? []).map(({ messageId }) => messageId)
}

const numbered = (prefix: string, from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${prefix}${from + index}`)

test('of the messages for a client, the newest twenty are found', async () => {
  const ids = numbered('total-', 1, 1_300)
  expect(await found(ids, { clientId: 'alice' })).toEqual(numbered('total-', 1_281, 1_300))
  expect(await found(ids.slice(0, 3), { clientId: 'alice' })).toEqual(ids.slice(0, 3))
  expect(await found(ids, { clientId: 'bob' })).toEqual([])
  expect(await found([], { clientId: 'alice' })).toEqual([])
})

test('a message with exactly the id is found, although newer ids begin with it', async () => {
  const ids = numbered('total-', 1, 199)
  // 111 ids begin with it.
  expect(await found(ids, { search: 'total-1' })).toEqual(['total-1', ...numbered('total-', 181, 199)])
  expect(await found(ids, { search: 'TOTAL-1' })).toEqual(['total-1', ...numbered('total-', 181, 199)])
})
