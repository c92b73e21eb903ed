import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { UndecodableBody } from '../../../src/core/body/undecodable-body.ts'
import type { Publication } from '../../../src/core/model/message.ts'
import type { Broker } from '../../../src/core/ports/broker.ts'
import type { WindowEntry } from '../../../src/core/ports/hot-window.ts'
import type { Journal, PoisonClaim } from '../../../src/core/ports/journal.ts'
import type { Observer } from '../../../src/core/ports/observer.ts'
import { causeOf, Quarantine } from '../../../src/core/quarantine/quarantine.ts'
import { GatewayError } from '../../../src/errors.ts'

const MiB = 1024 * 1024
const poison = causeOf(new UndecodableBody('broken-json', 'it does not parse'))

let claims: PoisonClaim[]
let marking: () => Promise<void>
let copies: Publication[]
let publishing: (copy: Publication) => Promise<void>
let counted: string[]
let lines: [level: string, text: string, offset: unknown][]
let quarantine: Quarantine

beforeEach(() => {
  jest.useFakeTimers()
  claims = []
  copies = []
  counted = []
  lines = []
  marking = async () => {}
  publishing = async () => {}
  const journal = {
    mark: (note: PoisonClaim) => {
      claims.push(note)
      return marking()
    },
  } as unknown as Journal
  const broker = {
    publish: (copy: Publication) => {
      copies.push(copy)
      return publishing(copy)
    },
  } as unknown as Broker
  const observer = {
    messageQuarantined: (reason: string) => counted.push(reason),
    log: (level: string, text: string, details?: { offset: unknown }) => lines.push([level, text, details?.offset]),
  } as unknown as Observer
  quarantine = new Quarantine({ journal, broker, observer, exchange: 'warren.quarantine', kind: 'poison' })
})
afterEach(() => {
  quarantine.close()
  jest.useRealTimers()
})

function entry(offset: number, more: Partial<WindowEntry> = {}): WindowEntry {
  const rest = { exchange: 'orders', routingKey: 'client.alice', properties: {}, redelivered: false, receivedAt: 0 }
  return { offset, mark: false, body: Buffer.from('{'), ...rest, ...more }
}

const passed = (ms = 0) => jest.advanceTimersByTimeAsync(ms)
const own = () => claims.at(-1) as PoisonClaim
const refusal = (code: 'BAD_USER_INPUT' | 'PAYLOAD_TOO_LARGE' | 'BROKER_UNAVAILABLE', field?: string) =>
  new GatewayError(code, `refused: ${code}`, field === undefined ? {} : { field })

describe('poison', () => {
  test('is claimed once, and its copy is published by the replica with the first claim', async () => {
    quarantine.put(entry(5), poison)
    quarantine.put(entry(5), poison)
    expect(claims).toEqual([{ kind: 'poison', offset: 5, claim: expect.stringMatching(/^[0-9a-f-]{36}$/) }])
    expect([quarantine.isPoison(5), quarantine.foundPoison(5), quarantine.isPoison(6)]).toEqual([true, true, false])
    await passed()
    expect(copies).toEqual([])

    quarantine.onClaim(own())
    quarantine.onClaim(own())
    await passed(60_000)
    expect(copies).toMatchObject([
      { exchange: 'warren.quarantine', routingKey: 'client.alice', properties: { headers: { 'x-warren-offset': 5 } } },
    ])
    expect([counted, lines]).toEqual([
      ['broken-json'],
      [['warn', 'a message went to the quarantine: it does not parse', 5]],
    ])
    expect([quarantine.isPoison(5), claims.length]).toEqual([true, 1])
  })

  test('that another replica claimed first is left to it', async () => {
    quarantine.put(entry(5), poison)
    quarantine.onClaim({ ...own(), claim: 'other' })
    quarantine.onClaim(own())
    quarantine.onClaim({ kind: 'poison', offset: 6, claim: 'other' })
    quarantine.put(entry(6), poison)
    await passed(60_000)
    expect([copies, counted, claims.length]).toEqual([[], [], 1])
    expect([quarantine.foundPoison(5), quarantine.foundPoison(6), quarantine.isPoison(6)]).toEqual([true, true, true])
  })

  test('is only known from the claim of another replica', () => {
    quarantine.onClaim({ kind: 'poison', offset: 7, claim: 'other' })
    expect([quarantine.isPoison(7), quarantine.foundPoison(7)]).toEqual([true, false])
  })

  test('an own claim for unknown poison means nothing: it was read before a restart of the epoch', async () => {
    quarantine.put(entry(5), poison)
    const claim = own()
    quarantine.clear()
    expect([quarantine.isPoison(5), quarantine.foundPoison(5)]).toEqual([false, false])
    quarantine.onClaim(claim)
    await passed()
    expect([quarantine.isPoison(5), copies]).toEqual([false, []])
  })

  test('has the reason of the error; one of another kind counts as broken JSON', async () => {
    quarantine.put(entry(1), causeOf(new UndecodableBody('too-deep', 'deep')))
    quarantine.onClaim(own())
    quarantine.put(entry(2), causeOf(new TypeError('odd')))
    quarantine.onClaim(own())
    await passed()
    expect(counted).toEqual(['too-deep', 'broken-json'])
    expect(copies.map(({ properties }) => properties.headers?.['x-warren-reason'])).toEqual(['too-deep', 'broken-json'])
  })

  test('is copied out of memory that others share', async () => {
    const detached = entry(5, { body: Buffer.from('detached') })
    quarantine.put(entry(5, { detach: () => detached }), poison)
    quarantine.onClaim(own())
    await passed()
    expect(copies[0]?.body.toString()).toBe('detached')
  })
})

describe('a claim that the journal refuses', () => {
  test('is tried again, first after half a second, at last every 15 seconds', async () => {
    marking = () => Promise.reject(new Error('away'))
    quarantine.put(entry(5), poison)
    const times = [0, 499, 1, 999, 1, 1_999, 1, 4_000, 8_000, 14_999, 1, 14_999, 1]
    const counts: number[] = []
    for (const ms of times) {
      await passed(ms)
      counts.push(claims.length)
    }
    expect(counts).toEqual([1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8])
    quarantine.onClaim({ ...own(), claim: 'other' })
    await passed(120_000)
    expect(claims).toHaveLength(8)
  })

  test('is not tried again after the end', async () => {
    marking = () => Promise.reject(new Error('away'))
    quarantine.put(entry(5), poison)
    await passed()
    quarantine.close()
    await passed(120_000)
    expect(claims).toHaveLength(1)
  })

  test('is not tried again in a new epoch', async () => {
    marking = () => Promise.reject(new Error('away'))
    quarantine.put(entry(5), poison)
    await passed()
    quarantine.clear()
    await passed(120_000)
    expect(claims).toHaveLength(1)
  })
})

describe('a copy that the broker refuses', () => {
  async function claimed(message = entry(5)): Promise<void> {
    quarantine.put(message, poison)
    quarantine.onClaim(own())
    await passed()
  }

  test('while it is away is published later; the log has one line at the begin and one at the end', async () => {
    publishing = () => Promise.reject(refusal('BROKER_UNAVAILABLE'))
    await claimed()
    await passed(500)
    await passed(1_000)
    expect(copies).toHaveLength(3)
    publishing = async () => {}
    await passed(60_000)
    expect([copies.length, new Set(copies.map(({ body }) => body)).size]).toEqual([4, 1])
    expect(lines.map(([level, text]) => [level, text.slice(0, 40)])).toEqual([
      ['warn', 'a message went to the quarantine: it doe'],
      ['error', 'a message could not be quarantined yet, '],
      ['info', 'the message was quarantined after retrie'],
    ])
  })

  test.each([
    ['a property', refusal('BAD_USER_INPUT', 'messageId')],
    ['its size', refusal('PAYLOAD_TOO_LARGE')],
  ])('because of %s is followed by a smaller one', async (_what, error) => {
    publishing = ({ properties }) =>
      properties.headers?.['x-warren-left-out'] === undefined ? Promise.reject(error) : Promise.resolve()
    await claimed(entry(5, { properties: { headers: { long: 'x'.repeat(300) } } }))
    expect(copies).toHaveLength(2)
    expect(lines.map(([level]) => level)).toEqual(['warn'])
  })

  test.each(['exchange', 'routingKey'])('because of its %s is the same copy later', async (field) => {
    publishing = () => Promise.reject(refusal('BAD_USER_INPUT', field))
    await claimed()
    await passed(500)
    expect([copies.length, new Set(copies.map(({ properties }) => properties)).size]).toEqual([2, 1])
  })

  test('by an error that is no answer is the same copy later', async () => {
    publishing = () => Promise.reject(causeOf(new TypeError('odd')))
    await claimed()
    await passed(500)
    expect(new Set(copies.map(({ properties }) => properties)).size).toBe(1)
  })

  test('in every form is given up, and the log names the place of the message', async () => {
    publishing = () => Promise.reject(refusal('PAYLOAD_TOO_LARGE'))
    await claimed()
    await passed(120_000)
    expect(copies).toHaveLength(3)
    expect(lines.slice(1)).toEqual([
      [
        'error',
        'the broker accepts no copy of a message for the quarantine, so it is only in the journal: refused: PAYLOAD_TOO_LARGE',
        5,
      ],
    ])
    expect(quarantine.isPoison(5)).toBe(true)
  })

  test('is given up silently at the end', async () => {
    publishing = () => Promise.reject(refusal('BROKER_UNAVAILABLE'))
    await claimed()
    quarantine.close()
    await passed(120_000)
    expect([copies.length, lines.length]).toEqual([1, 2])
  })
})

describe('what is kept', () => {
  test('waiting poison holds 64 MiB at most: the oldest is given up first', async () => {
    marking = () => Promise.reject(new Error('away'))
    const body = Buffer.alloc(16 * MiB - 1_024)
    for (let offset = 1; offset <= 4; offset += 1) quarantine.put(entry(offset, { body }), poison)
    expect(lines).toEqual([])
    quarantine.put(entry(5), poison)
    expect(lines).toEqual([['error', expect.stringContaining('not quarantined in time'), 1]])
    expect([quarantine.isPoison(1), quarantine.foundPoison(1), quarantine.isPoison(2)]).toEqual([false, false, true])

    // What was claimed elsewhere takes no room any more.
    quarantine.onClaim({ kind: 'poison', offset: 2, claim: 'other' })
    quarantine.put(entry(6, { body }), poison)
    quarantine.put(entry(7, { body: Buffer.alloc(15 * MiB) }), poison)
    expect(lines).toHaveLength(1)
    quarantine.put(entry(8, { body }), poison)
    expect(lines.map(([, , offset]) => offset)).toEqual([1, 3])
    // One message alone may be larger.
    quarantine.put(entry(9, { body: Buffer.alloc(65 * MiB) }), poison)
    expect([quarantine.isPoison(9), quarantine.isPoison(8)]).toEqual([true, false])
    claims.length = 0
    await passed(500)
    expect(claims.map(({ offset }) => offset)).toEqual([9])
  })

  test('room is free again after a copy', async () => {
    const body = Buffer.alloc(40 * MiB)
    for (let offset = 1; offset <= 3; offset += 1) {
      quarantine.put(entry(offset, { body }), poison)
      quarantine.onClaim(own())
      await passed()
    }
    expect([copies.length, lines.filter(([level]) => level === 'error')]).toEqual([3, []])
  })

  test('the offsets of the last 10,000 poison messages', () => {
    for (let offset = 1; offset <= 10_001; offset += 1) quarantine.onClaim({ kind: 'poison', offset, claim: 'other' })
    expect([1, 2, 10_001].map((offset) => quarantine.isPoison(offset))).toEqual([false, true, true])
  })
})
