import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, jest, test } from '@jest/globals'
import { fingerprintOf } from '../../src/core/model/cursor.ts'
import type { MessageProperties } from '../../src/core/model/message.ts'
import type { WindowEntry } from '../../src/core/ports/hot-window.ts'
import { ChunkedHotWindow } from '../../src/hot-window/hot-window.ts'
import { Seeded } from '../ledger/seeded.ts'

const unbounded = { maxBytes: Number.POSITIVE_INFINITY, maxAgeMs: Number.POSITIVE_INFINITY }

describe('the hot window', () => {
  test('returns each entry as it was added, whatever its texts, properties and size, when the original is gone', () => {
    const seeded = new Seeded(7)
    const hotWindow = new ChunkedHotWindow(unbounded)
    const entries = Array.from({ length: 2_000 }, (_, index) => anyEntry(seeded, index * 3))
    const expected = entries.map(copyOf)
    const fingerprints = entries.map(fingerprintOf)
    for (const entry of entries) {
      const given = entry.body
      hotWindow.add(entry)
      given.fill(0)
    }

    const read: WindowEntry[] = []
    hotWindow.visit(-1, (entry) => read.push(entry) > 0)

    expect(entries.map(copyOf)).toEqual(expected)
    expect(read.map(copyOf)).toEqual(expected)
    expect(read.map((entry) => copyOf(entry.detach?.() ?? entry))).toEqual(expected)
    expect(read.map(fingerprintOf)).toEqual(fingerprints)
    expect(copyOf(hotWindow.last ?? anyEntry(seeded, 0))).toEqual(expected.at(-1))
    const found = Array.from({ length: 6_000 }, (_, offset) => hotWindow.at(offset)?.offset)
    expect(found).toEqual(found.map((_, offset) => (offset % 3 === 0 ? offset : undefined)))
  })

  test('iterates after any offset, in order, until the visitor has enough', () => {
    const seeded = new Seeded(8)
    const hotWindow = new ChunkedHotWindow(unbounded)
    for (let index = 0; index < 3_000; index += 1) hotWindow.add(anyEntry(seeded, index * 2))
    for (const offset of [-1, 0, 1, 2, 999, 1_000, 4_001, 5_997, 5_998, 9_999]) {
      const visited: number[] = []
      hotWindow.visit(offset, (entry) => visited.push(entry.offset) < 100)
      const first = Math.max(0, Math.floor(offset / 2) + 1)
      const count = Math.max(0, Math.min(100, 3_000 - first))
      expect(visited).toEqual(Array.from({ length: count }, (_, index) => (first + index) * 2))
    }
  })

  test.each([64 * 1024, 1024 * 1024])(
    'holds at most %d bytes, but always the newest entry, and knows what it holds',
    (maxBytes) => {
      const seeded = new Seeded(9)
      const hotWindow = new ChunkedHotWindow({ ...unbounded, maxBytes })
      // One `expect` for all, because ten thousand take seconds.
      const wrong: unknown[] = []
      for (let offset = 0; offset < 5_000; offset += 1) {
        hotWindow.add(anyEntry(seeded, offset))
        const { first, last, bytes } = hotWindow
        if (last?.offset !== offset || (first !== offset && bytes > maxBytes)) wrong.push({ offset, first, bytes })
      }
      expect(wrong).toEqual([])
      const bodies: number[] = []
      hotWindow.visit(-1, ({ body }) => bodies.push(body.length) > 0)
      expect(bodies.length).toBeGreaterThan(10)
      expect(hotWindow.bytes).toBeGreaterThan(bodies.reduce((sum, bytes) => sum + bytes, 0))

      hotWindow.add({ ...anyEntry(seeded, 5_000), body: Buffer.alloc(2 * maxBytes) })
      expect(hotWindow.first).toBe(5_000)
      hotWindow.add(anyEntry(seeded, 5_001))
      expect(hotWindow.first).toBe(5_001)
      expect(hotWindow.bytes).toBeLessThanOrEqual(maxBytes)
      hotWindow.clear()
      expect([hotWindow.first, hotWindow.last, hotWindow.bytes]).toEqual([undefined, undefined, 0])
    },
  )

  test('drops entries that are too old, one by one', () => {
    const seeded = new Seeded(10)
    const hotWindow = new ChunkedHotWindow({ ...unbounded, maxAgeMs: 1_000 })
    const firsts = Array.from({ length: 4_000 }, (_, offset) => {
      hotWindow.add({ ...anyEntry(seeded, offset), receivedAt: offset * 10 })
      return hotWindow.first
    })
    expect(firsts).toEqual(firsts.map((_, offset) => Math.max(0, offset - 100)))
  })

  test('keeps no message as objects: more of them need no more heap', () => {
    const hotWindow = new ChunkedHotWindow(unbounded)
    const count = 30_000
    const put = (from: number): void => {
      for (let offset = from; offset < from + count; offset += 1) {
        hotWindow.add(entryOf(offset, { contentType: 'application/json', messageId: `m-${offset}`, timestamp: offset }))
      }
    }
    put(0)
    const before = heapUsed()
    put(count)
    expect((heapUsed() - before) / count).toBeLessThan(40)
    expect(hotWindow.at(2 * count - 1)?.properties.messageId).toBe(`m-${2 * count - 1}`)
  })

  test('inside a larger one holds the same entries and no bytes of its own after it was cleared', () => {
    const seeded = new Seeded(11)
    const wider = new ChunkedHotWindow(unbounded)
    const narrow = new ChunkedHotWindow({ ...unbounded, maxBytes: 64 * 1024 }, wider)
    const wrong: unknown[] = []
    for (let offset = 0; offset < 2_000; offset += 1) {
      const entry = anyEntry(seeded, offset)
      wider.add(entry)
      if (offset === 1_900) narrow.clear()
      narrow.add(entry)
      const read: number[] = []
      narrow.visit(-1, (kept) => read.push(kept.offset) > 0)
      const { first = -1, bytes } = narrow
      const complete = read.length === offset - first + 1 && read.every((one, index) => one === first + index)
      if (!complete || (first !== offset && bytes > 64 * 1024)) wrong.push({ offset, first, read, bytes })
    }
    expect(wrong).toEqual([])
    expect(narrow.first).toBeGreaterThanOrEqual(1_900)
    expect(wider.first).toBe(0)
    expect(narrow.last?.outcomes).toBe(wider.last?.outcomes)
  })

  test('that is full needs no more memory for texts and bodies, whatever passes through it', () => {
    const hotWindow = new ChunkedHotWindow({ ...unbounded, maxBytes: 4 * 1024 * 1024 })
    const body = Buffer.alloc(2_048, 'x')
    using allocated = jest.spyOn(Buffer, 'allocUnsafeSlow')
    const put = (from: number): number => {
      for (let offset = from; offset < from + 4_000; offset += 1) hotWindow.add({ ...entryOf(offset, {}), body })
      return allocated.mock.calls.length
    }
    const whenFull = put(0)
    expect(whenFull).toBeGreaterThanOrEqual(8)
    const later = Array.from({ length: 5 }, (_, round) => put((round + 1) * 4_000))
    expect(later).toEqual(later.map(() => whenFull))
  })

  test.each([
    ['alone', 1],
    ['with a narrower one inside', 2],
  ])('shows the bytes of no other message, %s', (_, windows) => {
    const seeded = new Seeded(12)
    const bounds = { ...unbounded, maxBytes: 1024 * 1024 }
    const wider = new ChunkedHotWindow(bounds)
    const all = windows === 1 ? [wider] : [wider, new ChunkedHotWindow(bounds, wider)]
    /** Kept as the contract forbids, as copies, and as read from the window, which may be kept. */
    const added: { entry: WindowEntry; copy: WindowEntry; expected: string }[] = []
    const read: { entry: WindowEntry; expected: unknown }[] = []
    for (let offset = 0; offset < 8_000; offset += 1) {
      const entry = anyEntry(seeded, offset)
      const expected = entry.body.toString('latin1')
      for (const window of all) window.add(entry)
      added.push({ entry, copy: entry.detach?.() ?? entry, expected })
      const last = offset % 997 === 0 ? all.at(-1)?.last : undefined
      if (last) read.push({ entry: last, expected: copyOf(entry) })
    }
    const bodyOf = ({ body }: WindowEntry) => body.toString('latin1')
    // Offsets only: jest would print the entries of a failure with all that they hold.
    const offsetsOf = (wrong: readonly { readonly entry: WindowEntry }[]) => wrong.map(({ entry }) => entry.offset)
    expect(offsetsOf(added.filter(({ copy, expected }) => bodyOf(copy) !== expected))).toEqual([])
    expect(offsetsOf(added.filter(({ entry, expected }) => !['', expected].includes(bodyOf(entry))))).toEqual([])
    const taken = added.filter(({ entry, expected }) => bodyOf(entry) === '' && expected !== '')
    expect(taken.length).toBeGreaterThan(500)
    expect(read.length).toBe(9)
    expect(offsetsOf(read.filter(({ entry, expected }) => !isDeepStrictEqual(copyOf(entry), expected)))).toEqual([])
    expect(wider.first).toBeGreaterThan(4_000)
  })

  test('keeps the outcome of each message for later queries', () => {
    const hotWindow = new ChunkedHotWindow(unbounded)
    const entries = Array.from({ length: 3_000 }, (_, offset) => entryOf(offset, {}))
    for (const entry of entries) {
      hotWindow.add(entry)
      if (entry.offset % 2 === 0) entry.outcomes?.set(entry.slot ?? 0, 'delivered')
      for (let times = 0; times < entry.offset % 5; times += 1) entry.outcomes?.match(entry.slot ?? 0)
      entry.outcomes?.deliver(entry.slot ?? 0)
      if (entry.offset % 3 === 0) entry.outcomes?.drop(entry.slot ?? 0)
    }
    const kept: unknown[] = []
    hotWindow.visit(-1, ({ outcomes, slot = 0 }) => kept.push([outcomes?.of(slot), outcomes?.countsOf(slot)]) > 0)
    expect(kept).toEqual(
      entries.map(({ offset }) => [
        offset % 2 === 0 ? 'delivered' : undefined,
        { matched: offset % 5, delivered: 1, dropped: offset % 3 === 0 ? 1 : 0 },
      ]),
    )
  })
})

const texts = ['', 'client.a', 'ключ.日本', 'é', '🐇', 'x'.repeat(255)]

function anyEntry(seeded: Seeded, offset: number): WindowEntry {
  const below = (limit: number) => Math.floor(seeded.next() * limit)
  const text = () => seeded.pick(texts)
  const maybe = <T>(value: T): T | undefined => (below(3) === 0 ? undefined : value)
  const common: MessageProperties = {
    contentType: maybe(below(20) === 0 ? `text/${offset}` : 'application/json'),
    messageId: maybe(`${text()}${offset}`),
    type: maybe(text()),
    timestamp: maybe(below(2) * 1_700_000_000_000),
  }
  const rare: MessageProperties = {
    contentEncoding: maybe('gzip'),
    correlationId: maybe(text()),
    replyTo: maybe(text()),
    expiration: maybe('1000'),
    userId: maybe('guest'),
    appId: maybe('shop'),
    priority: maybe(below(9)),
    headers: maybe({ [text()]: text(), bytes: Buffer.from(text()), table: { a: [1, 2n] } }),
  }
  return {
    ...entryOf(offset, below(4) === 0 ? { ...common, ...rare } : common),
    mark: below(10) === 0,
    exchange: text(),
    routingKey: text(),
    redelivered: below(2) === 0,
    body: Buffer.alloc(below(50) === 0 ? below(40_000) : below(400), below(256)),
  }
}

function entryOf(offset: number, properties: MessageProperties): WindowEntry {
  return {
    offset,
    mark: false,
    exchange: 'warren.events',
    routingKey: `client.c${offset % 1_000}`,
    body: Buffer.from(`{"n":${offset}}`),
    properties,
    redelivered: false,
    receivedAt: 1_700_000_000_000 + offset,
  }
}

function copyOf({ offset, mark, exchange, routingKey, body, properties, redelivered, receivedAt }: WindowEntry) {
  const given = Object.entries(properties).filter(([, value]) => value !== undefined)
  return {
    offset,
    mark,
    exchange,
    routingKey,
    body: body.toString('base64'),
    properties: Object.fromEntries(given) as MessageProperties,
    redelivered,
    receivedAt,
  }
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
