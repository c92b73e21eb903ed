import { describe, expect, test } from '@jest/globals'
import type { Answerer } from '../../../src/core/cluster/gathering.ts'
import type { JournalPlace } from '../../../src/core/model/cursor.ts'
import { HandOver, type HandOverParts } from '../../../src/core/positions/hand-over.ts'
import type { PositionHold } from '../../../src/core/positions/position-hold.ts'

const hold = { clientId: 'alice', name: 'phone', holder: 7 } as PositionHold

function placeAt(offset: number): JournalPlace {
  return { epoch: 'one', offset, fingerprint: 5, before: false }
}

/** `answered`: the JSON that the other replica answers. Undefined: it does not answer. */
function handOver({ answered, released }: { answered?: unknown; released?: JournalPlace }) {
  const asked: unknown[] = []
  const releases: unknown[] = []
  let answerer: Answerer = () => undefined
  const gathering: HandOverParts['gathering'] = {
    answer: (_topic, given) => {
      answerer = given
    },
    askOne: async (of, topic, args, read) => {
      asked.push([of, topic, args])
      return answered === undefined ? undefined : read(answered)
    },
  }
  const tested = new HandOver({
    replica: 'here',
    gathering,
    release: (...given) => {
      releases.push(given)
      return released
    },
  })
  return { tested, asked, releases, answer: (args: unknown) => answerer(args) }
}

describe('a subscription that took a position begins', () => {
  test('where it is stored if no subscription had it, and asks none', async () => {
    const { tested, asked, releases } = handOver({ answered: { place: placeAt(9) } })
    expect(await tested.begin(hold, placeAt(3), undefined)).toEqual(placeAt(3))
    expect(await tested.begin(hold, undefined, undefined)).toBeUndefined()
    expect([asked, releases, tested.counts]).toEqual([[], [], { none: 2, here: 0, answered: 0, unanswered: 0 }])
  })

  test('at the later place of what is stored and what was acked on this replica', async () => {
    const { tested, asked, releases } = handOver({ released: placeAt(5) })
    expect(await tested.begin(hold, placeAt(3), 'here')).toEqual(placeAt(5))
    expect(await tested.begin(hold, placeAt(8), 'here')).toEqual(placeAt(8))
    expect(await tested.begin(hold, undefined, 'here')).toEqual(placeAt(5))
    expect([asked, releases[0]]).toEqual([[], [{ clientId: 'alice', name: 'phone' }, 7]])
    expect(tested.counts).toEqual({ none: 0, here: 3, answered: 0, unanswered: 0 })
  })

  test('at the later place of what is stored and what the other replica answers', async () => {
    const { tested, asked, releases } = handOver({ answered: { place: { ...placeAt(5), added: 'later' } } })
    expect(await tested.begin(hold, placeAt(3), 'there')).toEqual(placeAt(5))
    expect(await tested.begin(hold, undefined, 'there')).toEqual(placeAt(5))
    expect(await tested.begin(hold, placeAt(8), 'there')).toEqual(placeAt(8))
    expect([asked[0], releases]).toEqual([['there', 'position', { clientId: 'alice', name: 'phone', holder: 7 }], []])
    expect(tested.counts).toEqual({ none: 0, here: 0, answered: 3, unanswered: 0 })
  })

  test('where it is stored if nothing was acked there, which is an answer', async () => {
    const { tested } = handOver({ answered: { place: null } })
    expect(await tested.begin(hold, placeAt(3), 'there')).toEqual(placeAt(3))
    expect(tested.counts).toMatchObject({ answered: 1, unanswered: 0 })
  })

  test.each([
    ['no answer', undefined],
    ['an answer that is no object', 'later'],
    ['an answer without a place', {}],
    ['a place without an epoch', { place: { ...placeAt(9), epoch: 1 } }],
    ['a place without an offset', { place: { ...placeAt(9), offset: '9' } }],
    ['a place with half an offset', { place: { ...placeAt(9), offset: 9.5 } }],
    ['a place without a fingerprint', { place: { ...placeAt(9), fingerprint: null } }],
    ['a place without a side', { place: { ...placeAt(9), before: 'no' } }],
    ['a place with nothing but its side', { place: { before: true } }],
  ])('where it is stored after %s', async (_, answered) => {
    const { tested } = handOver({ answered })
    expect(await tested.begin(hold, placeAt(3), 'there')).toEqual(placeAt(3))
    expect(await tested.begin(hold, undefined, 'there')).toBeUndefined()
    expect(tested.counts).toMatchObject({ answered: 0, unanswered: 2 })
  })

  test('where it is stored if there are no other replicas', async () => {
    const tested = new HandOver({ replica: 'here', gathering: undefined, release: () => placeAt(9) })
    expect(await tested.begin(hold, placeAt(3), 'gone')).toEqual(placeAt(3))
    expect(tested.counts.unanswered).toBe(1)
  })
})

describe('the replica of the older subscription', () => {
  test('ends it, and answers how far it is acked', async () => {
    const { answer, releases } = handOver({ released: placeAt(5) })
    expect(await answer({ clientId: 'alice', name: 'phone', holder: 7, added: 'later' })).toEqual({ place: placeAt(5) })
    expect(releases).toEqual([[{ clientId: 'alice', name: 'phone' }, 7]])
    expect(await handOver({}).answer({ clientId: 'alice', name: 'phone', holder: 7 })).toEqual({ place: null })
  })

  test.each([
    ['nothing', undefined],
    ['no client', { name: 'phone', holder: 7 }],
    ['no name', { clientId: 'alice', holder: 7 }],
    ['no number', { clientId: 'alice', name: 'phone', holder: '7' }],
    ['a number only', { holder: 7 }],
  ])('ends nothing and does not answer if the question has %s', async (_, args) => {
    const { answer, releases } = handOver({ released: placeAt(5) })
    expect(await answer(args)).toBeUndefined()
    expect(releases).toEqual([])
  })
})
