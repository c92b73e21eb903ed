import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { StreamJournal } from '../../../../src/brokers/rabbitmq/stream/stream-journal.ts'
import type { JournalMessage } from '../../../../src/core/model/message.ts'
import { JournalReplaced } from '../../../../src/core/ports/journal.ts'
import { eventually } from '../../../support/eventually.ts'
import { ScriptedStreams } from './scripted-streams.ts'

const name = 'warren.journal'
const epochs = 'warren.journal.epoch'
const hour = 60 * 60_000

let broker: ScriptedStreams
let journal: StreamJournal
/** What the tail passes on: epochs, and the bodies of messages. */
let passed: string[]
let up: Promise<void>
/** What the tail waits for when retention has overtaken it. */
let truncated: Promise<void>
let bindSources: () => Promise<void>

beforeEach(() => {
  broker = new ScriptedStreams()
  passed = []
  truncated = Promise.resolve()
  bindSources = async () => {}
  journal = new StreamJournal({
    name,
    retention: { maxAgeMs: hour, maxBytes: 1_000_000 },
    warmMs: hour,
    openConnection: broker.openConnection,
    publish: async ({ body, properties }) => {
      broker.publishMark(name, body, properties.messageId)
    },
    onEntry: () => {},
    bindSources: () => bindSources(),
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
      onTruncated: () => {
        passed.push('truncated')
        return truncated
      },
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

test('a connection before which nothing was read begins the epoch again, because marks may be gone', async () => {
  declareJournal('00000000000000aa')
  let consumers = 0
  broker.onConsume = (stream) => {
    // The first consumer of the journal only finds the present.
    if (stream === name && ++consumers === 2) broker.loseConnection()
  }
  open()
  await up
  expect([passed, broker.sessions]).toEqual([['epoch 00000000000000aa', 'epoch 00000000000000aa'], 2])
})

test('a journal that stays the same is read in one session', async () => {
  declareJournal('00000000000000aa')
  broker.publish(name, 'old')
  open()
  await up
  expect(passed).toEqual(['epoch 00000000000000aa', 'old'])
  expect(broker.sessions).toBe(1)
})

test('a scan does not take the entries of a new journal for what retention has left of the old one', async () => {
  declareJournal('00000000000000aa')
  for (let number = 0; number < 5; number += 1) broker.publish(name, `old ${number}`)
  open()
  await up
  // The tail does not know yet that the journal is another one.
  broker.cancelMs = 300
  broker.delete(name)
  declareJournal('00000000000000bb')
  for (let number = 0; number < 5; number += 1) broker.publish(name, `new ${number}`)
  broker.trim(name, 3)
  const read: string[] = []
  const visit = ({ body }: JournalMessage): boolean => read.push(body.toString()) > 0
  const scanned = journal.scan(1, visit, new AbortController().signal)
  await expect(scanned).rejects.toBeInstanceOf(JournalReplaced)
  expect(read).toEqual([])
})

test('a scan of a journal of which retention has removed the beginning begins behind it', async () => {
  declareJournal('00000000000000aa')
  for (let number = 0; number < 5; number += 1) broker.publish(name, `old ${number}`)
  open()
  await up
  broker.trim(name, 3)
  const read: string[] = []
  await journal.scan(1, ({ body }) => read.push(body.toString()) < 2, new AbortController().signal)
  expect(read).toEqual(['old 3', 'old 4'])
})

test('the first entry that retention has left waits until the tail knows what the others announced', async () => {
  declareJournal('00000000000000aa')
  broker.publish(name, 'read')
  open()
  await up
  let known = (): void => undefined
  truncated = new Promise((resolve) => {
    known = resolve
  })
  broker.loseConnection()
  for (let number = 0; number < 5; number += 1) broker.publish(name, `missed ${number}`)
  broker.trim(name, broker.bodiesOf(name).length)
  broker.publish(name, 'left')
  await eventually('the tail to find that entries are missing', async () => passed.includes('truncated'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(passed).toEqual(['epoch 00000000000000aa', 'read', 'truncated'])
  known()
  await eventually('the next entry', async () => passed.includes('left'))
  expect(passed).toEqual(['epoch 00000000000000aa', 'read', 'truncated', 'left'])
})

test('a session that ended while its sources were bound does not bring a former epoch back', async () => {
  declareJournal('00000000000000aa')
  let finishBinding = (): void => undefined
  const binding = new Promise<void>((begun) => {
    bindSources = () => {
      begun()
      return new Promise((resolve) => {
        finishBinding = resolve
      })
    }
  })
  open()
  await binding
  const finishLate = finishBinding
  bindSources = async () => {}
  broker.delete(name)
  declareJournal('00000000000000bb')
  broker.loseConnection()
  await up
  finishLate()
  broker.publish(name, 'new')
  await eventually('the next entry', async () => passed.includes('new'))
  expect(passed).toEqual(['epoch 00000000000000bb', 'new'])
})

test('a search for a time continues on the next connection', async () => {
  declareJournal('00000000000000aa')
  open()
  await up
  let searches = 0
  broker.onConsume = () => {
    searches += 1
    if (searches === 1) process.nextTick(() => broker.loseConnection())
  }
  expect(await journal.offsetAt(Date.now(), new AbortController().signal)).toBe(0)
  expect(searches).toBe(2)
})

test('what waits for a journal that is closed learns that it is not available', async () => {
  declareJournal('00000000000000aa')
  open()
  await up
  const { signal } = new AbortController()
  let atTheEnd = (): void => undefined
  const reading = new Promise<void>((resolve) => {
    atTheEnd = resolve
  })
  const scan = journal.scan(0, () => (atTheEnd(), true), signal)
  await reading
  broker.delete(name)
  const waiting = [scan, journal.mark(), journal.offsetAt(Date.now(), signal)]
  await journal.close()
  for (const each of await Promise.allSettled(waiting))
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'BROKER_UNAVAILABLE' } })
  await expect(journal.mark()).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
})

test('the epoch is written again before retention deletes its record', async () => {
  declareJournal('00000000000000aa')
  for (let session = 0; session < 600; session += 1) broker.publish(epochs, JSON.stringify({ probe: session }))
  open()
  await up
  expect(passed).toEqual(['epoch 00000000000000aa'])
  expect(broker.bodiesOf(epochs).slice(-5)).toContain(JSON.stringify({ epoch: '00000000000000aa' }))
})
