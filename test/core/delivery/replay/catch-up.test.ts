import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { readHistory } from '../../../../src/core/delivery/history.ts'
import type { ChannelEvent } from '../../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../../src/core/model/cursor.ts'
import type { JournalMessage } from '../../../../src/core/model/message.ts'
import { JournalReplaced } from '../../../../src/core/ports/journal.ts'
import { channelTopic } from '../../../../src/core/ports/topic.ts'
import { controlledGateway, epochs, operator, passed } from '../../controlled-gateway.ts'

type World = Awaited<ReturnType<typeof controlledGateway>>
let world: World

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
  await start()
})
afterEach(async () => {
  await world.gateway.close()
  jest.useRealTimers()
})

/** `windowEntries`: how many of the 100 entries the hot window holds. */
async function start(windowEntries = 1_000): Promise<void> {
  await world?.gateway.close()
  world = await controlledGateway({}, windowEntries)
  await world.open()
}

function fill(count: number, given: Partial<JournalMessage> = {}): void {
  for (let number = 0; number < count; number += 1) world.journal.add(given)
}

const cursorAt = (offset: number) => {
  const entry = world.journal.entries.find((one) => one.offset === offset)
  if (!entry) throw new Error(`no entry at ${offset}`)
  return world.gateway.cursorOf(entry)
}

function subscribe(after: string | undefined, clientId = 'alice', checkpoints = false) {
  const events: ChannelEvent[] = []
  const session = world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
  const subscription = session.subscribe({ clientId, checkpoints, ...(after === undefined ? {} : { after }) })
  subscription.pipe({ take: (event) => events.push(event) > 0, end: () => {} })
  const story = () =>
    events.map((event) =>
      event.kind === 'MESSAGE' ? event.cursor.offset : event.kind === 'GAP' ? event.reason : event.kind,
    )
  return { events, subscription, story }
}

type Subscribed = ReturnType<typeof subscribe>

const results = () =>
  world.events.filter((event) => (event as unknown[])[0] === 'resumed').map((one) => (one as unknown[])[1])
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

describe('a position', () => {
  test('in the window is served from memory; one that is older from the journal, with 1,000 entries before it', async () => {
    await start(50)
    world.journal.begin()
    fill(2_500)
    const recent = subscribe(printCursor(cursorAt(2_490)))
    await passed(100)
    expect([recent.story(), world.journal.scans]).toEqual([range(2_491, 2_500), []])
    const older = subscribe(printCursor(cursorAt(2_000)))
    const oldest = subscribe(printCursor(cursorAt(10)))
    await passed(200)
    expect(world.journal.scans).toEqual([0])
    expect([older.story(), oldest.story()]).toEqual([range(2_001, 2_500), range(11, 2_500)])
    const alone = subscribe(printCursor(cursorAt(2_000)))
    await passed(200)
    expect([world.journal.scans.at(-1), alone.story().length]).toEqual([1_000, 499])
    expect([results(), world.gateway.catchingUp]).toEqual([['resumed', 'resumed', 'resumed', 'resumed'], 0])
    fill(1)
    expect([recent, older, oldest, alone].map(({ story }) => story().at(-1))).toEqual([2_500, 2_500, 2_500, 2_500])
  })

  test('just before an entry includes that entry', async () => {
    world.journal.begin()
    fill(5)
    const before = subscribe(printCursor({ ...cursorAt(2), before: true }))
    await passed(100)
    expect(before.story()).toEqual([2, 3, 4])
  })

  test('that retention has deleted is a gap, then all that is kept', async () => {
    await start(50)
    world.journal.begin()
    fill(500)
    const [early, exact] = [printCursor(cursorAt(10)), printCursor(cursorAt(100))]
    world.journal.entries = world.journal.entries.filter(({ offset }) => offset >= 100)
    const [lost, kept] = [subscribe(early), subscribe(exact)]
    await passed(200)
    expect(lost.story()).toEqual(['RETENTION', ...range(100, 500)])
    expect(lost.events[0]).toMatchObject({ cursor: { offset: 100, before: true }, oldest: { offset: 100 } })
    expect([kept.story(), new Set(results())]).toEqual([range(101, 500), new Set(['gap', 'resumed'])])
  })

  test('that retention has deleted is a gap also if the oldest message is equal to the one at it', async () => {
    await start(50)
    world.journal.begin()
    fill(500, { body: Buffer.from('"always the same"') })
    const after = printCursor(cursorAt(10))
    world.journal.entries = world.journal.entries.filter(({ offset }) => offset >= 100)
    const { story } = subscribe(after)
    await passed(200)
    expect(story()).toEqual(['RETENTION', ...range(100, 500)])
  })

  test('is not judged by a scan while the journal is down, which may read a new one', async () => {
    await start(50)
    world.journal.begin()
    fill(500)
    const { story } = subscribe(printCursor(cursorAt(10)))
    const { entries } = world.journal
    world.journal.scanning = async () => {
      world.journal.scanning = async () => {}
      world.journal.tail.onDown('cut')
      world.journal.entries = entries.filter(({ offset }) => offset >= 100)
    }
    await passed(200)
    expect([world.journal.scans.length, story()]).toEqual([1, []])
    world.journal.entries = entries
    world.journal.tail.onUp()
    await passed(200)
    expect(story()).toEqual(range(11, 500))
  })

  test('of another message is a gap: in the window, in the journal, and in a hole of the journal', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    world.journal.entries = world.journal.entries.filter(({ offset }) => offset !== 120)
    const forged = [290, 100].map((offset) => ({ ...cursorAt(offset), fingerprint: 1 }))
    const hole = { ...cursorAt(100), offset: 120 }
    const all = [...forged, hole].map((cursor) => subscribe(printCursor(cursor)))
    // Something older makes the read begin before them.
    subscribe(printCursor(cursorAt(50)))
    await passed(200)
    for (const { story, events } of all) {
      expect(story()).toEqual(['JOURNAL_REPLACED'])
      expect(events[0]).toMatchObject({ cursor: { offset: 299 }, oldest: { offset: 0, before: true } })
    }
    fill(1)
    expect(all.map(({ story }) => story().at(-1))).toEqual([300, 300, 300])
  })

  test('of another message is a gap: at the oldest entry of the journal, and in a hole of the window', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const oldest = subscribe(printCursor({ ...cursorAt(0), fingerprint: 1 }))
    world.journal.add({ offset: 301 })
    const hole = subscribe(printCursor({ ...cursorAt(299), offset: 300 }))
    await passed(200)
    expect([oldest.story(), hole.story()]).toEqual([['JOURNAL_REPLACED'], ['JOURNAL_REPLACED']])
  })

  test('that is invalid is a gap at once', async () => {
    world.journal.begin()
    fill(3)
    const { story } = subscribe('odd')
    await passed(100)
    expect([story(), results()]).toEqual([['INVALID_CURSOR'], ['gap']])
    // If the journal cannot be read, the oldest position is unknown.
    world.journal.scanning = () => Promise.reject(new Error('away'))
    const unknown = subscribe('odd')
    await passed(100)
    expect(unknown.events).toMatchObject([{ reason: 'INVALID_CURSOR', oldest: null, cursor: { offset: 2 } }])
  })

  test('beyond the last entry, or of another epoch, is judged after a mark', async () => {
    world.journal.begin()
    fill(3)
    const far = { ...cursorAt(2), offset: 5 }
    let back: () => void = () => {}
    world.journal.marking = () => new Promise((resolve) => (back = resolve))
    const [ahead, lost, other] = [
      subscribe(printCursor({ ...far, offset: 3 })),
      subscribe(printCursor(far)),
      subscribe(printCursor({ ...cursorAt(1), epoch: epochs[1] })),
    ]
    await passed(100)
    expect([world.journal.notes.length, ahead.events, world.gateway.catchingUp]).toEqual([1, [], 3])
    // The tail reads further meanwhile: one of the positions exists, with another message.
    fill(1)
    ahead.subscription.end()
    back()
    await passed(100)
    expect([ahead.story(), lost.story(), other.story()]).toEqual([[], ['JOURNAL_REPLACED'], ['JOURNAL_REPLACED']])
  })

  test('that the tail reaches by the mark is resumed', async () => {
    world.journal.begin()
    fill(3)
    const entry = { ...(world.journal.entries[2] as JournalMessage), offset: 3, body: Buffer.from('later') }
    const after = printCursor(world.gateway.cursorOf(entry))
    world.journal.marking = async () => {
      world.journal.marking = async () => {}
      world.journal.add({ ...entry })
      world.journal.add()
    }
    const { story } = subscribe(after)
    await passed(100)
    expect([story(), results()]).toEqual([[4], ['resumed']])
  })

  test('is not judged while the mark does not come back, or the journal is down', async () => {
    world.journal.begin()
    fill(3)
    world.journal.marking = () => Promise.reject(new Error('late'))
    const { story, subscription } = subscribe(printCursor({ ...cursorAt(2), offset: 9 }))
    await passed(100)
    expect([story(), world.journal.notes.length > 1]).toEqual([[], true])
    let back: () => void = () => {}
    world.journal.marking = () => new Promise((resolve) => (back = resolve))
    await passed(100)
    world.journal.tail.onDown('cut')
    back()
    await passed(100)
    expect([story(), subscription.ended, world.gateway.catchingUp]).toEqual([[], false, 1])
    world.journal.marking = async () => {}
    world.journal.tail.onUp()
    await passed(100)
    expect(story()).toEqual(['JOURNAL_REPLACED'])
  })

  test('that is the last one at the mark is resumed', async () => {
    world.journal.begin()
    fill(3)
    const entry = { ...(world.journal.entries[2] as JournalMessage), offset: 3, body: Buffer.from('later') }
    const after = printCursor(world.gateway.cursorOf(entry))
    world.journal.mark = async () => void world.journal.add({ ...entry })
    const { story } = subscribe(after)
    await passed(100)
    fill(1)
    expect([story(), results()]).toEqual([[4], ['resumed']])
  })

  test('is judged again if retention overtakes the tail before the mark comes back', async () => {
    await start(50)
    world.journal.begin()
    fill(3)
    const entry = { ...(world.journal.entries[2] as JournalMessage), offset: 3, body: Buffer.from('later') }
    const after = printCursor(world.gateway.cursorOf(entry))
    let read: () => void = () => {}
    world.journal.scanning = () => new Promise((resolve) => (read = resolve))
    world.journal.mark = async () => {
      world.journal.entries.push(entry)
      void world.journal.tail.onTruncated()
    }
    const { story } = subscribe(after)
    await passed(30)
    world.journal.add({ offset: 10 })
    await passed(100)
    read()
    await passed(100)
    expect([story(), results()]).toEqual([[10], ['resumed']])
  })

  test('is judged again if the journal goes down before the mark comes back', async () => {
    world.journal.begin()
    fill(3)
    const entry = { ...(world.journal.entries[2] as JournalMessage), offset: 3, body: Buffer.from('later') }
    let read: () => void = () => {}
    world.journal.scanning = () => new Promise((resolve) => (read = resolve))
    world.journal.marking = async () => {
      world.journal.marking = async () => {}
      world.journal.add({ ...entry })
      world.journal.tail.onDown('cut')
    }
    const { story } = subscribe(printCursor(world.gateway.cursorOf(entry)))
    await passed(100)
    world.journal.tail.onUp()
    world.journal.scanning = async () => {}
    read()
    await passed(100)
    const { offset } = world.journal.add()
    expect([story(), results()]).toEqual([[offset], ['resumed']])
  })

  test('waits while the window is empty, because retention has overtaken the tail', async () => {
    world.journal.begin()
    fill(3)
    const cursors = [cursorAt(0), { ...cursorAt(0), offset: 99 }]
    void world.journal.tail.onTruncated()
    const [kept, unknown] = cursors.map((cursor) => subscribe(printCursor(cursor))) as [Subscribed, Subscribed]
    await passed(100)
    expect([kept.story(), unknown.story(), world.gateway.catchingUp]).toEqual([[], [], 2])
    const mark = world.journal.mark.bind(world.journal)
    world.journal.mark = async () => {
      world.journal.mark = mark
      void world.journal.tail.onTruncated()
    }
    fill(1)
    await passed(100)
    fill(1)
    await passed(100)
    expect([kept.story(), unknown.story()]).toEqual([[1, 2, 3, 4], ['JOURNAL_REPLACED']])
  })

  test('is served in the next replay of the window, if one is running', async () => {
    await start(10_000)
    world.journal.begin()
    fill(6_000, { routingKey: 'client.bob' })
    fill(1)
    const after = printCursor(cursorAt(0))
    const first = subscribe(after)
    // It reads 5,000 entries, and the rest in the next turn of the event loop.
    jest.advanceTimersByTime(30)
    const second = subscribe(after)
    jest.advanceTimersByTime(600)
    expect([results(), world.gateway.catchingUp, world.gateway.hub.size]).toEqual([['resumed'], 2, 0])
    await passed()
    expect([first.story(), second.story(), world.gateway.hub.size]).toEqual([[6_000], [], 1])
    // A replay of 600 ms is followed by the longest pause.
    await passed(490)
    expect(second.story()).toEqual([])
    await passed(20)
    expect([first.story(), second.story(), world.gateway.hub.size]).toEqual([[6_000], [6_000], 2])
    // The journal goes down in the middle: it does not go live before the journal is back.
    const third = subscribe(after)
    jest.advanceTimersByTime(30)
    world.journal.tail.onDown('cut')
    await passed(100)
    expect([third.story(), world.gateway.catchingUp, world.gateway.hub.size]).toEqual([[], 1, 2])
    world.journal.tail.onUp()
    await passed(100)
    fill(1)
    expect([third.story().length, results()]).toEqual([2, ['resumed', 'resumed', 'resumed']])
  })

  test('waits while the journal is down', async () => {
    world.journal.begin()
    fill(3)
    const after = printCursor(cursorAt(0))
    world.journal.tail.onDown('cut')
    const [{ story }, invalid] = [subscribe(after), subscribe('odd')]
    await passed(1_000)
    expect([story(), invalid.story(), world.gateway.catchingUp]).toEqual([[], [], 2])
    world.journal.tail.onUp()
    await passed(100)
    expect([story(), invalid.story()]).toEqual([[1, 2], ['INVALID_CURSOR']])
  })

  test('that is invalid waits, if the journal goes down before its oldest position is known', async () => {
    world.journal.begin()
    fill(3)
    let read: () => void = () => {}
    world.journal.scanning = () => new Promise((resolve) => (read = resolve))
    const [waiting, ended] = [subscribe('odd'), subscribe('odd')]
    await passed(100)
    expect(world.gateway.catchingUp).toBe(2)
    ended.subscription.end()
    world.journal.tail.onDown('cut')
    read()
    await passed(100)
    expect([waiting.story(), results(), world.gateway.catchingUp]).toEqual([[], [], 1])
    world.journal.scanning = async () => {}
    world.journal.tail.onUp()
    await passed(100)
    expect([waiting.story(), ended.story(), results()]).toEqual([['INVALID_CURSOR'], [], ['gap']])
  })

  test('of a subscription that has ended is not counted, and not live', async () => {
    world.journal.begin()
    let read: () => void = () => {}
    world.journal.scanning = () => new Promise((resolve) => (read = resolve))
    const { subscription } = subscribe('odd')
    fill(1)
    await passed(100)
    subscription.end()
    read()
    await passed(100)
    expect([results(), world.gateway.hub.size, world.gateway.notLive.size]).toEqual([[], 0, 0])
    world.gateway.replayer.resume(subscription)
    await passed(100)
    expect([results(), world.gateway.hub.size, world.gateway.notLive.size]).toEqual([[], 0, 0])
  })
})

describe('a topic that changes while the journal is asked for the position', () => {
  const alice = channelTopic('alice')

  test('is read once, though another read has begun', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const reads: (() => void)[] = []
    world.journal.scanning = () => new Promise((resolve) => reads.push(resolve))
    const { story, subscription } = subscribe(printCursor(cursorAt(10)))
    await passed(100)
    subscription.changeTopic(alice)
    // The second read waits four seconds for the first one.
    await passed(5_000)
    expect([reads.length, world.gateway.catchingUp]).toEqual([2, 1])
    for (const read of reads) read()
    await passed(500)
    expect([story(), world.gateway.catchingUp]).toEqual([range(11, 300), 0])
  })

  test('is not served by a read that fails after it', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    let fail: (error: Error) => void = () => {}
    world.journal.scanning = () => new Promise((_, reject) => (fail = reject))
    const { story, subscription } = subscribe(printCursor(cursorAt(10)))
    await passed(100)
    subscription.changeTopic(alice)
    world.journal.scanning = async () => {}
    await passed(5_000)
    expect([story(), world.gateway.catchingUp]).toEqual([range(11, 300), 0])
    fail(new Error('away'))
    await passed()
    expect(world.gateway.catchingUp).toBe(0)
  })

  test('is not judged by a mark that fails after it', async () => {
    world.journal.begin()
    fill(3)
    let fail: (error: Error) => void = () => {}
    world.journal.marking = () => new Promise((_, reject) => (fail = reject))
    const { story, subscription } = subscribe(printCursor({ ...cursorAt(1), offset: 99 }))
    await passed(100)
    subscription.changeTopic(alice)
    world.journal.marking = async () => {}
    await passed(100)
    expect([story(), world.gateway.catchingUp]).toEqual([['JOURNAL_REPLACED'], 0])
    fail(new Error('late'))
    await passed()
    expect(world.gateway.catchingUp).toBe(0)
  })

  test('is judged by the journal of that time', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const after = printCursor({ ...cursorAt(10), epoch: epochs[1] })
    const reads: (() => void)[] = []
    world.journal.scanning = () => new Promise((resolve) => reads.push(resolve))
    const { story, subscription } = subscribe(after)
    await passed(100)
    world.journal.replace()
    fill(300)
    subscription.changeTopic(alice)
    await passed(100)
    expect([reads.length, story()]).toEqual([2, []])
    // The first read is for the gap of the old journal.
    for (const read of reads) {
      read()
      await passed(200)
    }
    expect(story()).toEqual(range(11, 300))
  })

  test.each([
    ['a mark', { offset: 99 }, 'JOURNAL_REPLACED'],
    ['the oldest position', undefined, 'INVALID_CURSOR'],
  ])('gets one gap if it waits for %s', async (_what, change, reason) => {
    world.journal.begin()
    fill(3)
    const answers: (() => void)[] = []
    const answer = () => new Promise<void>((resolve) => answers.push(resolve))
    if (change) world.journal.marking = answer
    else world.journal.scanning = answer
    const { story, subscription } = subscribe(change ? printCursor({ ...cursorAt(1), ...change }) : 'odd')
    await passed(100)
    subscription.changeTopic(alice)
    await passed(100)
    for (const each of answers) each()
    await passed(100)
    expect([story(), results(), world.gateway.catchingUp]).toEqual([[reason], ['gap'], 0])
  })
})

describe('a read of the journal', () => {
  test('that fails is repeated from where each subscription is', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const one = subscribe(printCursor(cursorAt(10)))
    let scans = 0
    world.journal.scanning = () => {
      scans += 1
      return scans < 3 ? Promise.reject(new JournalReplaced('replaced')) : Promise.resolve()
    }
    await passed(500)
    expect([one.story(), scans, results()]).toEqual([range(11, 300), 3, ['resumed']])
  })

  test('of which all subscriptions end reads no further', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const { subscription, events } = subscribe(printCursor(cursorAt(10)))
    let visited = 0
    const scan = world.journal.scan.bind(world.journal)
    world.journal.scan = (offset, visit, signal) =>
      scan(
        offset,
        (entry) => {
          visited += 1
          if (events.length === 0 && entry.offset === 20) subscription.end()
          return visit(entry)
        },
        signal,
      )
    await passed(200)
    expect([visited, world.gateway.catchingUp]).toEqual([21, 0])
  })

  test('that meets another epoch starts again', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const { story } = subscribe(printCursor(cursorAt(10)))
    world.journal.scanning = async () => {
      world.journal.scanning = async () => {}
      world.journal.tail.onDown('cut')
      setImmediate(() => world.journal.tail.onUp())
    }
    await passed(500)
    expect(story()).toEqual(range(11, 300))
  })

  test('of a journal that is replaced meanwhile does not continue in the window of the new one', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const { story } = subscribe(printCursor(cursorAt(10)))
    const scan = world.journal.scan.bind(world.journal)
    world.journal.scan = (offset, visit, signal) => {
      world.journal.scan = scan
      const visitAndReplace = (entry: JournalMessage): boolean => {
        const continues = visit(entry)
        if (entry.offset === 20) {
          world.journal.replace()
          fill(60, { body: Buffer.from('"new"') })
        }
        return continues
      }
      return scan(offset, visitAndReplace, signal)
    }
    await passed(500)
    expect(story()).toEqual([...range(11, 22), 'JOURNAL_REPLACED'])
    const { offset } = world.journal.add()
    expect(story().at(-1)).toBe(offset)
  })

  test('is not polled by subscriptions that wait for the next one', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const session = world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
    const resume = () => session.subscribe({ clientId: 'alice', after: printCursor(cursorAt(10)) })
    await passed(100)
    const idle = jest.getTimerCount()
    const gathered = [resume(), resume()]
    expect(jest.getTimerCount()).toBe(idle + 1)
    let read: () => void = () => {}
    world.journal.scanning = () => new Promise((resolve) => (read = resolve))
    await passed(100)
    expect([world.journal.scans.length, jest.getTimerCount()]).toEqual([1, idle])
    gathered.push(resume())
    await passed(100)
    // One timer ends the wait; none asks again.
    expect([world.journal.scans.length, jest.getTimerCount()]).toEqual([1, idle + 1])
    world.journal.scanning = async () => {}
    read()
    await passed(500)
    for (const subscription of gathered) expect(subscription.position).toEqual(cursorAt(299))
    expect(jest.getTimerCount()).toBe(idle)
    // Nothing waits for the journal.
    world.journal.tail.onUp()
    expect(jest.getTimerCount()).toBe(idle)
  })

  test('ends when the gateway closes', async () => {
    await start(50)
    world.journal.begin()
    fill(300)
    const signals: AbortSignal[] = []
    const scan = world.journal.scan.bind(world.journal)
    world.journal.scan = (offset, visit, signal) => {
      signals.push(signal)
      return scan(offset, visit, signal)
    }
    world.journal.scanning = () => new Promise(() => {})
    const waiting = [subscribe(printCursor(cursorAt(10))), subscribe('odd')]
    await passed(100)
    // It waits for the end of the read, and the last one to be gathered.
    waiting.push(subscribe(printCursor(cursorAt(10))))
    await passed(100)
    waiting.push(subscribe(printCursor(cursorAt(10))))
    expect(world.gateway.catchingUp).toBe(4)
    const closing = world.gateway.close()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    expect([world.gateway.catchingUp, world.gateway.notLive.size]).toEqual([0, 0])
    await closing
    expect(jest.getTimerCount()).toBe(0)
  })

  test('finds repeats by itself, also of what it does not deliver', async () => {
    world.journal.begin()
    fill(10)
    fill(3, { properties: { headers: { 'x-warren-idempotency-key': 'k' } } })
    fill(2)
    const { entries } = world.journal
    // The tail of a replica that starts later has read none of them.
    await start(50)
    world.journal.begin()
    world.journal.entries = entries
    world.journal.add({ offset: 5_000 })
    const [all, rest] = [8, 10].map((offset) => subscribe(printCursor(cursorAt(offset)))) as [Subscribed, Subscribed]
    await passed(200)
    expect([all.story(), rest.story()]).toEqual([
      [9, 10, 13, 14, 5_000],
      [13, 14, 5_000],
    ])
  })

  test('leaves out repeats, marks and messages of others', async () => {
    await start(50)
    world.journal.begin()
    fill(10)
    const properties = { headers: { 'x-warren-idempotency-key': 'k' } }
    fill(2, { properties })
    world.journal.add({ mark: true, body: Buffer.alloc(0) })
    fill(3, { routingKey: 'client.bob' })
    fill(200)
    const { story } = subscribe(printCursor(cursorAt(8)))
    await passed(200)
    expect(story()).toEqual([9, 10, ...range(16, 216)])
  })

  test('reports runs of unreadable entries as one gap each, also at the end of the window', async () => {
    world.journal.begin()
    fill(3)
    fill(2, { unreadable: true })
    fill(1)
    fill(2, { unreadable: true })
    const { story, events } = subscribe(printCursor(cursorAt(0)))
    const counted = world.events.filter((event) => (event as unknown[])[0] === 'unreadable').length
    await passed(100)
    expect(story()).toEqual([1, 2, 'UNREADABLE', 5, 'UNREADABLE'])
    expect(events.map(({ cursor }) => cursor.offset)).toEqual([1, 2, 4, 5, 7])
    expect([counted, world.events.filter((event) => (event as unknown[])[0] === 'unreadable').length]).toEqual([4, 4])
  })
})

describe('the owner of a channel', () => {
  test('never gets what was meant for an earlier one: a position before is a gap', async () => {
    world.journal.begin()
    fill(5)
    await world.gateway.bans.begin('alice', cursorAt(2))
    const [early, exact, bob] = [
      subscribe(printCursor(cursorAt(0))),
      subscribe(printCursor(cursorAt(2))),
      subscribe(printCursor(cursorAt(0)), 'bob'),
    ]
    await passed(100)
    expect([early.story(), exact.story(), bob.story()]).toEqual([['RETENTION', 3, 4], [3, 4], []])
    expect(early.events[0]).toMatchObject({ cursor: { offset: 2, before: false }, oldest: { offset: 2 } })
    expect(results()).toEqual(['gap', 'resumed', 'resumed'])
    expect(await world.gateway.oldest(channelTopic('alice'))).toMatchObject({ offset: 2, before: false })
    expect(await world.gateway.oldest(channelTopic('bob'))).toMatchObject({ offset: 0, before: true })
    await world.gateway.bans.begin('alice', { ...cursorAt(2), epoch: epochs[1] })
    expect(await world.gateway.oldest(channelTopic('alice'))).toMatchObject({ offset: 0 })
    world.journal.tail.onDown('cut')
    expect(await world.gateway.oldest(channelTopic('bob'))).toBeNull()
  })
})

test('the first checkpoint comes at once, or after an outage at the next mark', async () => {
  world.journal.begin()
  const before = subscribe(undefined, 'alice', true)
  expect(before.events).toEqual([])
  await world.journal.mark()
  const later = subscribe(undefined, 'alice', true)
  expect([before.story(), later.story()]).toEqual([['CHECKPOINT'], ['CHECKPOINT']])
  world.journal.tail.onDown('cut')
  const meanwhile = subscribe(undefined, 'alice', true)
  expect(meanwhile.events).toEqual([])
  world.journal.tail.onUp()
  await world.journal.mark()
  expect([meanwhile.story(), later.story()]).toEqual([['CHECKPOINT'], ['CHECKPOINT']])
  const plain = subscribe(undefined)
  expect([plain.events, world.gateway.hub.size, results()]).toEqual([[], 4, []])
})

test('a subscription that falls behind is not live until its client has taken enough, and is not counted as resumed', async () => {
  world.journal.begin()
  const session = world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
  const [slow, stuck] = [session.subscribe({ clientId: 'alice' }), session.subscribe({ clientId: 'alice' })]
  expect(world.gateway.notLive.size).toBe(0)
  fill(1_100)
  expect([[...world.gateway.notLive], world.gateway.hub.size, world.gateway.catchingUp]).toEqual([[slow, stuck], 0, 0])
  const offsets: unknown[] = []
  const take = async (count: number) => {
    for (let left = count; left > 0; left -= 1) {
      const step = await slow.next()
      offsets.push(step.done || step.value.cursor.offset)
    }
  }
  await take(1_024)
  await passed(100)
  await take(76)
  expect([offsets, results()]).toEqual([range(0, 1_100), []])
  expect([[...world.gateway.notLive], world.gateway.hub.size]).toEqual([[stuck], 1])
  stuck.end()
  expect(world.gateway.notLive.size).toBe(0)
})

describe('a page of history', () => {
  const page = (options: Partial<Parameters<typeof readHistory>[1]> = {}) =>
    readHistory(world.gateway, {
      topic: channelTopic('alice'),
      after: undefined,
      first: 3,
      reserve: () => true,
      ...options,
    })
  const read = async (options: Parameters<typeof page>[0] = {}) => {
    const reading = page(options)
    reading.catch(() => {})
    await passed(200)
    const { events, cursor, hasMore, gap } = await reading
    return [events.map((event) => event.cursor.offset), cursor.offset, hasMore, gap?.reason]
  }

  test('has the first events, and where to go on', async () => {
    world.journal.begin()
    fill(5)
    expect(await read()).toEqual([[0, 1, 2], 2, true, undefined])
    expect(await read({ after: printCursor(cursorAt(2)) })).toEqual([[3, 4], 4, false, undefined])
    expect(await read({ topic: channelTopic('bob') })).toEqual([
      [],
      world.journal.entries.at(-1)?.offset,
      false,
      undefined,
    ])
    expect(world.gateway.hub.size).toBe(0)
  })

  test('ends before an event without room, which the caller decides', async () => {
    world.journal.begin()
    fill(5)
    const asked: unknown[] = []
    const reserve = ({ cursor }: { cursor: { offset: number } }, isFirst: boolean) => {
      asked.push([cursor.offset, isFirst])
      return cursor.offset < 1
    }
    expect(await read({ reserve })).toEqual([[0], 0, true, undefined])
    expect(asked).toEqual([
      [0, true],
      [1, false],
    ])
    // What is beyond the page, and a gap, take no room.
    asked.length = 0
    const { offset } = world.journal.add({ unreadable: true })
    const all = (event: { cursor: { offset: number } }, isFirst: boolean) =>
      asked.push([event.cursor.offset, isFirst]) > 0
    expect(await read({ first: 1, after: printCursor(cursorAt(2)), reserve: all })).toEqual([[3], 3, true, undefined])
    expect(await read({ first: 2, after: printCursor(cursorAt(3)), reserve: all })).toEqual([
      [4],
      offset,
      false,
      'UNREADABLE',
    ])
    expect(asked).toEqual([
      [3, true],
      [4, true],
    ])
    const refuse = () => {
      throw new Error('no room')
    }
    const refused = page({ reserve: refuse })
    refused.catch(() => {})
    await passed(200)
    await expect(refused).rejects.toThrow('no room')
    expect(world.gateway.catchingUp).toBe(0)
  })

  test('is empty if the oldest position is unknown', async () => {
    world.journal.begin()
    fill(3)
    world.journal.scanning = () => Promise.reject(new Error('away'))
    const { offset } = await world.gateway.position()
    expect(await read()).toEqual([[], offset + 1, false, undefined])
  })

  test('reports one gap; a later one begins the next page', async () => {
    world.journal.begin()
    fill(1, { unreadable: true })
    fill(1)
    fill(1, { unreadable: true })
    fill(1)
    expect(await read({ first: 9 })).toEqual([[1], 1, true, 'UNREADABLE'])
    expect(await read({ first: 9, after: printCursor(cursorAt(1)) })).toEqual([[3], 3, false, 'UNREADABLE'])
    expect(await read({ first: 1, after: printCursor(cursorAt(1)) })).toEqual([[3], 3, false, 'UNREADABLE'])
    const invalid = await read({ after: 'odd' })
    expect(invalid).toEqual([[], world.journal.entries.at(-1)?.offset, false, 'INVALID_CURSOR'])
  })

  test('after a full page, a gap begins the next one', async () => {
    world.journal.begin()
    fill(1)
    fill(1, { unreadable: true })
    const after = printCursor({ ...cursorAt(0), before: true })
    expect(await read({ first: 1, after })).toEqual([[0], 0, true, undefined])
    expect(await read({ first: 2, after })).toEqual([[0], 1, false, 'UNREADABLE'])
  })
})
