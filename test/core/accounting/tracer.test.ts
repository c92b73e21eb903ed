import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { MessageOutcomes } from '../../../src/core/accounting/message-outcomes.ts'
import { reviveTrace, Tracer } from '../../../src/core/accounting/message-trace.ts'
import type { ReplicaTrace } from '../../../src/core/accounting/replica-trace.ts'
import type { Audience } from '../../../src/core/model/source.ts'
import type { ControlBus, ControlMessage } from '../../../src/core/ports/control-bus.ts'
import type { HotWindow, WindowEntry } from '../../../src/core/ports/hot-window.ts'
import { SourceRouter } from '../../../src/core/sources/source-router.ts'

let entries: WindowEntry[]
let visited: number
let sent: ControlMessage[]
let audience: Audience
let poison: number[]
let misfits: number[]
let sources: SourceRouter
let tracer: Tracer
let members: { alive: string[]; isAlive(replica: string): boolean } | undefined
let hotWindow: HotWindow
let control: ControlBus

beforeEach(() => {
  jest.useFakeTimers()
  entries = []
  visited = 0
  sent = []
  audience = ['alice']
  poison = []
  misfits = []
  sources = new SourceRouter()
  hotWindow = {
    visit: (offset: number, visit: (entry: WindowEntry) => boolean) => {
      visited = 0
      for (const entry of entries) {
        if (entry.offset <= offset) continue
        visited += 1
        if (!visit(entry)) return
      }
    },
    at: (offset: number) => entries.find((entry) => entry.offset === offset),
  } as unknown as HotWindow
  control = { send: async (message: ControlMessage) => void sent.push(message) } as unknown as ControlBus
  members = undefined
  makeTracer()
})
afterEach(() => void jest.useRealTimers())

function makeTracer(): void {
  tracer = new Tracer({
    replica: 'here',
    members,
    hotWindow,
    sources,
    control,
    audienceOf: () => audience,
    fieldsOf: () => [],
    cursorOf: ({ offset }) => `cursor ${offset}`,
    sessionsOf: () => [],
    isPoison: (offset) => poison.includes(offset),
    isMisfit: (offset) => misfits.includes(offset),
    maxDecodedBytes: 100,
  })
}

function entry(offset: number, messageId: string | undefined, more: Partial<WindowEntry> = {}): WindowEntry {
  const properties = messageId === undefined ? {} : { messageId }
  const rest = { exchange: 'orders', routingKey: 'k', body: Buffer.from('{}'), redelivered: false, mark: false }
  return { offset, receivedAt: 1_000 + offset, properties, ...rest, ...more }
}

async function traceHere(messageId = 'm'): Promise<ReplicaTrace> {
  const tracing = tracer.trace(messageId)
  await jest.advanceTimersByTimeAsync(500)
  const [own] = await tracing
  if (!own) throw new Error('expected a trace of this replica')
  return own
}

const question = () => (sent[0] as { question: string }).question
const other: ReplicaTrace = { replica: 'other', since: null, messages: [] }

describe('this replica answers', () => {
  test('from all entries of its hot window, marks excepted', async () => {
    const outcomes = new MessageOutcomes(2)
    outcomes.set(1, 'delivered')
    outcomes.match(1)
    outcomes.match(1)
    outcomes.deliver(1)
    outcomes.drop(1)
    entries = [
      entry(0, 'other'),
      entry(1, 'm', { outcomes, slot: 1 }),
      entry(2, undefined),
      entry(3, 'm', { mark: true }),
      entry(4, 'm'),
    ]
    const message = {
      exchange: 'orders',
      routingKey: 'k',
      reason: null,
      sources: [],
      clients: ['alice'],
      clientCount: 1,
    }
    expect(await traceHere()).toMatchObject({
      replica: 'here',
      since: 1_000,
      messages: [
        {
          ...message,
          offset: 1,
          receivedAt: 1_001,
          outcome: 'delivered',
          matched: 2,
          delivered: 1,
          dropped: 1,
          fields: [],
        },
        { ...message, offset: 4, receivedAt: 1_004, outcome: null, matched: 0, delivered: 0, dropped: 0, fields: [] },
      ],
    })
    expect(visited).toBe(5)
  })

  test('that it has nothing', async () => {
    expect(await traceHere()).toEqual({ replica: 'here', since: null, messages: [] })
  })

  test('the slot of an entry without one is the first', async () => {
    const outcomes = new MessageOutcomes(1)
    outcomes.set(0, 'unmatched')
    entries = [entry(1, 'm', { outcomes })]
    expect((await traceHere()).messages[0]?.outcome).toBe('unmatched')
  })

  test('with the newest 20 messages, and 20 sources and clients at most', async () => {
    for (let number = 0; number < 22; number += 1) {
      entries.push(entry(number, 'm'))
      const id = String(number)
      const definition = { exchange: 'orders', exchangeType: 'FANOUT', routingKey: '', buffered: false } as const
      sources.add({ ...definition, id, clientId: { fixed: id }, createdAt: new Date(), ownsExchange: false })
    }
    audience = Array.from({ length: 25 }, (_, number) => `c${number}`)
    const { messages } = await traceHere()
    expect(messages.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, index) => index + 2))
    expect([messages[0]?.sources.length, messages[0]?.clients.length, messages[0]?.clientCount]).toEqual([20, 20, 25])
    audience = 'everyone'
    expect((await traceHere()).messages[0]).toMatchObject({ clients: [], clientCount: null })
  })

  test('why a message is in the quarantine', async () => {
    const contentType = { properties: { messageId: 'm', contentType: 'application/json' } }
    entries = [
      entry(1, 'm', { ...contentType, body: Buffer.from('{') }),
      entry(2, 'm', { ...contentType, body: Buffer.from('{') }),
      entry(3, 'm'),
      entry(4, 'm', { body: { subarray: () => Buffer.alloc(0) } as unknown as Buffer }),
    ]
    poison = [1, 3, 4]
    expect((await traceHere()).messages.map(({ reason }) => reason)).toEqual(['broken-json', null, null, null])
    // Its copy is in the quarantine for a typed field, whatever became of it on channels.
    misfits = [1, 3]
    expect((await traceHere()).messages.map(({ reason }) => reason)).toEqual(['broken-json', null, 'schema', null])
  })
})

describe('other replicas', () => {
  test('are asked, and have half a second', async () => {
    const tracing = tracer.trace('m')
    await jest.advanceTimersByTimeAsync(499)
    expect(sent).toEqual([{ kind: 'trace-wanted', question: question(), messageId: 'm' }])
    await tracer.onControl({ kind: 'trace-known', question: question(), trace: other })
    await tracer.onControl({ kind: 'trace-known', question: 'another', trace: other })
    await tracer.onControl({ kind: 'trace-wanted', question: question(), messageId: 'm' })
    await jest.advanceTimersByTimeAsync(1)
    expect((await tracing).map(({ replica }) => replica)).toEqual(['here', 'other'])
    await tracer.onControl({ kind: 'trace-known', question: question(), trace: other })
    expect([(await tracing).length, sent.length]).toEqual([2, 1])
  })

  test('are not waited for once all that are alive have answered', async () => {
    members = { alive: ['here', 'other'], isAlive: (replica) => ['here', 'other'].includes(replica) }
    makeTracer()
    const tracing = tracer.trace('m')
    await jest.advanceTimersByTimeAsync(1)
    await tracer.onControl({ kind: 'trace-known', question: question(), trace: other })
    expect((await tracing).map(({ replica }) => replica)).toEqual(['here', 'other'])
    members.alive = ['here']
    expect(await tracer.trace('m')).toHaveLength(1)
    expect(sent).toHaveLength(1)
  })

  test('of an older release, which do not announce themselves, have their half second', async () => {
    members = { alive: ['here'], isAlive: (replica) => replica === 'here' }
    makeTracer()
    const ask = async (answer: ReplicaTrace | undefined): Promise<{ count: number; ms: number }> => {
      sent.length = 0
      const begun = Date.now()
      const tracing = tracer.trace('m')
      await jest.advanceTimersByTimeAsync(0)
      if (answer) await tracer.onControl({ kind: 'trace-known', question: question(), trace: answer })
      const later = jest.advanceTimersByTimeAsync(500)
      const { length } = await tracing
      const ms = Date.now() - begun
      await later
      return { count: length, ms }
    }
    tracer.onResync()
    expect(await ask(undefined)).toEqual({ count: 1, ms: 500 })
    await jest.advanceTimersByTimeAsync(1_000)
    expect((await ask(undefined)).ms).toBe(0)
    tracer.onOlderReplica()
    expect(await ask(other)).toEqual({ count: 2, ms: 500 })
    const silent = [await ask(undefined), await ask(undefined), await ask(undefined)]
    expect(silent.map(({ ms }) => ms)).toEqual([500, 500, 500])
    expect((await ask(undefined)).ms).toBe(0)
  })

  test('get an answer to their own questions', async () => {
    entries = [entry(1, 'm')]
    await tracer.onControl({ kind: 'trace-wanted', question: 'theirs', messageId: 'm' })
    expect(sent).toMatchObject([
      { kind: 'trace-known', question: 'theirs', trace: { replica: 'here', since: 1_001, messages: [{ offset: 1 }] } },
    ])
    await tracer.onControl({ kind: 'sources-wanted' })
    expect(sent).toHaveLength(1)
  })
})

describe('a trace of another replica', () => {
  const message = {
    offset: 1,
    exchange: 'e',
    routingKey: 'k',
    receivedAt: 2,
    outcome: 'delivered',
    reason: 'too-deep',
    sources: ['s'],
    clients: ['c'],
    clientCount: null,
    matched: 3,
    delivered: 2,
    dropped: 1,
    fields: [{ field: 'order', outcome: 'invalid', detail: '/total' }],
    messageId: 'm',
    preview: '{}',
    cursor: 'a cursor',
    sourceReasons: [{ source: 's', matched: true, clients: ['c'], everyone: false, reason: 'word 2 of the key' }],
    sessions: [
      {
        session: 'x-1',
        clientId: 'c',
        openedBy: 'nadia',
        transport: 'sse',
        address: '::1',
        since: 1,
        outcome: 'waiting',
        pending: 3,
      },
    ],
  }
  const trace = { replica: 'r', since: null, messages: [message] }

  test('is read as it is, with the first 20 messages', () => {
    expect(reviveTrace(trace)).toEqual(trace)
    expect(reviveTrace({ ...trace, since: 5, messages: [] })).toEqual({ replica: 'r', since: 5, messages: [] })
    expect(reviveTrace({ ...trace, messages: Array.from({ length: 21 }, () => message) })?.messages).toHaveLength(20)
    expect(reviveTrace({ ...trace, messages: [{ ...message, reason: 'new', more: 1 }] })?.messages).toEqual([
      { ...message, reason: null },
    ])
  })

  test('that is invalid is no trace', () => {
    const numbers = ['offset', 'receivedAt', 'matched', 'delivered', 'dropped']
    const wrong = [
      ...['exchange', 'routingKey'].map((name) => ({ [name]: 1 })),
      ...numbers.flatMap((name) => [{ [name]: 'x' }, { [name]: null }, { [name]: Number.NaN }]),
      ...['sources', 'clients'].flatMap((name) => [{ [name]: 'x' }, { [name]: [1] }, { [name]: ['a', 1] }]),
      { clientCount: 'x' },
    ].map((change) => ({ ...trace, messages: [message, { ...message, ...change }] }))
    const traces = [
      undefined,
      null,
      'x',
      { ...trace, replica: 1 },
      { ...trace, since: 'x' },
      { ...trace, messages: { 0: message } },
      { ...trace, messages: [null] },
      { ...trace, messages: ['x'] },
      ...wrong,
    ]
    for (const each of traces) expect([each, reviveTrace(each)]).toEqual([each, undefined])
  })
})
