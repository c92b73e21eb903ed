import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { StreamJournal } from '../../../../src/brokers/rabbitmq/stream/stream-journal.ts'
import type { JournalMessage } from '../../../../src/core/model/message.ts'
import { ScriptedStreams } from './scripted-streams.ts'

const name = 'warren.journal'
const epochs = 'warren.journal.epoch'
const hour = 60 * 60_000

let broker: ScriptedStreams
let journal: StreamJournal
/** What the tail passes on: epochs, and the bodies of messages. */
let passed: string[]
let up: Promise<void>

beforeEach(() => {
  broker = new ScriptedStreams()
  passed = []
  journal = new StreamJournal({
    name,
    retention: { maxAgeMs: hour, maxBytes: 1_000_000 },
    warmMs: hour,
    openConnection: broker.openConnection,
    publish: async ({ body, properties }) => {
      broker.publish(name, body.toString(), properties.messageId)
    },
    onEntry: () => {},
    bindSources: async () => {},
  })
})
afterEach(async () => {
  jest.useRealTimers()
  await journal.close()
})

function open(): void {
  up = new Promise((resolve) => {
    journal.open({
      onUp: resolve,
      onDown: () => {},
      onEpoch: async (epoch) => {
        passed.push(`epoch ${epoch}`)
      },
      onPresent: () => {},
      onTruncated: () => void passed.push('truncated'),
      onMessage: (entry: JournalMessage) => {
        if (!entry.mark) passed.push(entry.body.toString())
      },
      onUnreadable: () => {},
    })
  })
}

/** Another replica: it writes the epoch before it declares the stream. */
function declareJournal(epoch: string): void {
  broker.declare(epochs)
  broker.publish(epochs, JSON.stringify({ epoch }))
  broker.declare(name)
}

test('a journal that is declared again while its consumer starts is read under its own epoch', async () => {
  declareJournal('00000000000000aa')
  broker.publish(name, 'old')
  let consumers = 0
  broker.onConsume = (stream) => {
    // The first consumer of the journal only finds the present.
    if (stream !== name || ++consumers !== 2) return
    broker.delete(name)
    declareJournal('00000000000000bb')
    broker.publish(name, 'new')
  }
  open()
  await up
  expect(passed).toEqual(['epoch 00000000000000aa', 'epoch 00000000000000bb', 'new'])
  expect(broker.sessions).toBe(2)
})

test('a journal that stays the same is read in one session', async () => {
  declareJournal('00000000000000aa')
  broker.publish(name, 'old')
  open()
  await up
  expect(passed).toEqual(['epoch 00000000000000aa', 'old'])
  expect(broker.sessions).toBe(1)
})

test('the epoch is written again before retention deletes its record', async () => {
  declareJournal('00000000000000aa')
  for (let session = 0; session < 600; session += 1) broker.publish(epochs, JSON.stringify({ probe: session }))
  open()
  await up
  expect(passed).toEqual(['epoch 00000000000000aa'])
  expect(broker.bodiesOf(epochs).slice(-5)).toContain(JSON.stringify({ epoch: '00000000000000aa' }))
})
