import { gzipSync } from 'node:zlib'
import { describe, expect, jest, test } from '@jest/globals'
import { encode } from '@msgpack/msgpack'
import type { DraftInput } from '../../../src/core/inspection/definitions/schema-drafts.ts'
import type { WindowEntry } from '../../../src/core/ports/hot-window.ts'
import { tryDraft } from '../../../src/events/describing/try-draft.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'
import { entryOf } from '../serving/typed-world.ts'

const options = { coreSchema, core: false, exchangeMap: new Map(), namespace: 'warren' }

function draft(entries: readonly WindowEntry[], input: Partial<DraftInput> = {}, team: readonly string[] = []) {
  const files = team.map((text, index) => ({ path: `team${index}.graphql`, text }))
  return tryDraft(
    {
      entries,
      exchange: 'orders',
      exchangeType: 'TOPIC',
      examples: false,
      field: undefined,
      sdl: undefined,
      cursorOf: ({ offset }) => `cursor ${offset}`,
      ...input,
    },
    { options, team: files },
  )
}

const own = `type Subscription {
  order: Order @events(exchange: "orders") @only(header: "env", in: ["live"]) @allow
}
type Order { id: ID!  at: Cursor! @from(property: CURSOR)  raw: JSON  lines: [Line!]  note: String }
type Line { sku: ID! }
`

describe('SDL that is inferred', () => {
  test('has the field, the exchange and the examples that were asked for, and fits its messages', async () => {
    const entries = [entryOf({ id: 1, total: 'seven' }), entryOf({ id: 2, total: 'eight' })]
    const { sdl, problems, outcomes } = await draft(entries)
    expect(sdl).toContain('exchange: "orders"')
    expect(sdl).not.toMatch(/seven|eight/)
    expect(problems).toEqual([])
    expect(outcomes).toMatchObject([
      { entry: entries[0], kind: 'fits', event: { id: '1', total: 'seven' } },
      { entry: entries[1], kind: 'fits', event: { id: '2', total: 'eight' } },
    ])
    const named = await draft(entries, { field: 'sale', examples: true })
    expect(named.sdl).toMatch(/\bsale\b/)
    expect(named.sdl).toContain('such as "eight"')
    expect(named.outcomes[0]?.field).toBe('sale')
  })

  test('takes the newest messages first, and of large ones only so many', async () => {
    // 16 MiB of bodies are read: a compressed one counts as 256 KiB.
    const old = entryOf({ id: 1, old: true })
    const large = Array.from({ length: 64 }, () => entryOf({ id: 1 }, { contentEncoding: 'gzip' }))
    expect((await draft([old, ...large.slice(1), entryOf({ id: 3 })])).sdl).toMatch(/\bold\b/)
    const edge = entryOf(gzipSync('{"id":1,"edge":true}'), { contentEncoding: 'gzip' })
    expect((await draft([old, edge, ...large.slice(1)])).sdl).toMatch(/ 63 more messages are not JSON[^]*\bedge\b/)
    expect((await draft([old, ...large, entryOf({ id: 3 })])).sdl).not.toMatch(/\bold\b/)
  })
})

describe('SDL that is given', () => {
  test('is tried on each message, in their order', async () => {
    const live = { headers: { env: 'live' } }
    const entries = [
      entryOf({ id: 1, raw: { id: [1] }, lines: [{ sku: 2 }] }, live),
      entryOf({ id: 2 }),
      entryOf({ id: null }, live),
      entryOf(Buffer.from('{'), live),
      entryOf({ id: 5 }, { ...live, exchange: 'other' }),
      entryOf(Buffer.from(encode({ id: 6 })), { ...live, contentType: 'application/msgpack' }),
    ]
    expect(await draft(entries, { sdl: own })).toEqual({
      sdl: own,
      problems: [],
      outcomes: [
        {
          entry: entries[0],
          field: 'order',
          kind: 'fits',
          event: { id: '1', at: 'cursor 7', raw: { id: [expect.anything()] }, lines: [{ sku: '2' }], note: null },
        },
        { entry: entries[1], field: 'order', kind: 'excluded' },
        { entry: entries[2], field: 'order', kind: 'mismatched', reason: expect.stringMatching(/^\/id: expected /) },
        {
          entry: entries[3],
          field: 'order',
          kind: 'mismatched',
          reason: 'the body is labelled application/json and does not parse',
        },
        { entry: entries[5], field: 'order', kind: 'fits', event: expect.objectContaining({ id: '6' }) },
      ],
    })
  })

  test('with mistakes is tried on nothing, and each mistake has its place', async () => {
    const sdl = 'type Subscription {\n  order: Missing @events(exchange: "orders")\n}'
    const { problems, outcomes } = await draft([entryOf({ id: 1 })], { sdl })
    expect(outcomes).toEqual([])
    expect(problems).toEqual([
      { line: 2, column: expect.any(Number), severity: 'error', message: expect.stringContaining('Missing') },
    ])
  })

  test('has remarks, too', async () => {
    const sdl = own.replace('note: String', 'note(lang: String): String')
    const { problems, outcomes } = await draft([entryOf({ id: 1 }, { headers: { env: 'live' } })], { sdl })
    expect(problems).toEqual([
      { line: 4, column: expect.any(Number), severity: 'remark', message: expect.stringContaining('have no effect') },
    ])
    expect(outcomes).toMatchObject([{ kind: 'fits' }])
  })

  test('beside the files of a team names what collides, and is tried all the same', async () => {
    const team = 'type Subscription { order: Team @events(exchange: "teams") @allow }\ntype Team { id(a: Int): ID }'
    const { problems, outcomes } = await draft([entryOf({ id: 1 }, { headers: { env: 'live' } })], { sdl: own }, [team])
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.every(({ severity }) => severity === 'error')).toBe(true)
    expect(outcomes).toMatchObject([{ field: 'order', kind: 'fits' }])
    // What draws an error in another file is one of the draft, without its place.
    const broken = await draft([], { sdl: own }, ['type Subscription { a: Gone @events(exchange: "a") @allow }'])
    expect(broken.problems).toEqual([
      { line: 1, column: 1, severity: 'error', message: expect.stringMatching(/^team0\.graphql:1: .*Gone/) },
    ])
    const remarks = await draft([], { sdl: own }, [
      'type Query { a: Team @request(routingKey: "a") @allow }\ntype Team { id(a: Int): ID }',
    ])
    expect(remarks.problems).toEqual([])
  })

  test('has at most 100 problems', async () => {
    const fields = Array.from({ length: 120 }, (_, index) => `f${index}: Missing`).join('\n')
    const { problems } = await draft([], { sdl: `${own}\ntype Many {\n${fields}\n}` })
    expect(problems).toHaveLength(100)
  })

  test('yields to others each time that it has worked for 20 ms', async () => {
    let now = 0
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 8))
    let turns = 0
    let isDone = false
    const count = (): void => {
      turns += 1
      if (!isDone) setImmediate(count)
    }
    setImmediate(count)
    try {
      await draft(
        Array.from({ length: 60 }, (_, id) => entryOf({ id }, { headers: { env: 'live' } })),
        { sdl: own },
      )
    } finally {
      isDone = true
      jest.restoreAllMocks()
    }
    // After each third message, and between the steps of reading the SDL.
    expect(turns).toBeGreaterThanOrEqual(20)
    expect(turns).toBeLessThan(40)
  })
})
