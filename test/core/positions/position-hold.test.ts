import { describe, expect, test } from '@jest/globals'
import type { MessageEvent } from '../../../src/core/model/channel-event.ts'
import type { Cursor } from '../../../src/core/model/cursor.ts'
import { PositionHold } from '../../../src/core/positions/position-hold.ts'
import { badInput } from '../../../src/errors.ts'
import { asking, cursorAt, keeper } from './holds.ts'

/** Lets promises that are settled run. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describe('a subscription that asks for a position', () => {
  test('begins at the place of the position, or after `after`', async () => {
    const starts: (Cursor | undefined)[] = []
    const asked = keeper({
      take: async (_, start) => {
        starts.push(start)
        return cursorAt(5)
      },
    })
    const one = asking({ keeper: asked, start: cursorAt(9) })
    const other = asking({ keeper: asked, start: cursorAt(9), after: cursorAt(3) })
    expect([one.begun(), other.begun()]).toEqual([undefined, undefined])
    await settled()
    expect([one.begun(), other.begun()]).toEqual([5, 3])
    // A new position gets this place.
    expect(starts.map((start) => start?.offset)).toEqual([9, 3])
  })

  test('does not begin if it ended meanwhile, and leaves the position', async () => {
    const released: PositionHold[] = []
    const { hold, subscription, begun } = asking({
      keeper: keeper({ take: async () => cursorAt(5), released: (left) => released.push(left) }),
    })
    subscription.end()
    await settled()
    expect([begun(), released]).toEqual([undefined, [hold]])
  })

  test('ends with the error of the position, which is no failure of the gateway', async () => {
    const failures: unknown[] = []
    const { failure } = asking({
      keeper: keeper({
        take: () => Promise.reject(badInput('position', 'is another one')),
        failed: (error) => failures.push(error),
      }),
    })
    await settled()
    expect(failure()).toMatchObject({ code: 'BAD_USER_INPUT', message: 'position: is another one' })
    expect(failures).toEqual([])
  })

  test('ends with an error to retry if the registry fails, which is reported', async () => {
    const failures: unknown[] = []
    const { failure } = asking({
      keeper: keeper({ take: () => Promise.reject(new Error('away')), failed: (error) => failures.push(error) }),
    })
    await settled()
    expect(failure()).toMatchObject({
      code: 'DELIVERY_FAILED',
      message: 'position "phone" could not be read: subscribe again',
    })
    expect(failures).toEqual([expect.stringContaining('away')])
  })
})

describe('a subscription that has a position', () => {
  test('loses it once, with the reason', () => {
    const [taken, deleted] = [asking(), asking()]
    taken.hold.lose('taken')
    taken.hold.lose('deleted')
    deleted.hold.lose('deleted')
    expect([taken.failure(), deleted.failure()]).toMatchObject([
      { code: 'POSITION_TAKEN', message: 'position "phone" was taken by a later subscription' },
      { code: 'POSITION_TAKEN', message: 'position "phone" was deleted' },
    ])
    expect([taken.hold.isOver, deleted.hold.isOver]).toEqual([true, true])
  })

  test('moves it by what was delivered if it wants that, once it has the position', () => {
    const acked: number[] = []
    const counting = keeper({ acked: (_, { offset }) => acked.push(offset) })
    const event = (offset: number) => ({ cursor: cursorAt(offset) }) as MessageEvent
    const moving = asking({ keeper: counting, acksDelivered: true })
    moving.hold.taken(event(1))
    moving.hold.holder = 1
    moving.hold.taken(event(2))
    asking({ keeper: counting, holder: 1 }).hold.taken(event(3))
    expect(acked).toEqual([2])
  })
})

test('a hold without a subscription is not over, and loses nothing', () => {
  const hold = new PositionHold(
    { clientId: 'alice', name: 'phone', acksDelivered: false },
    'topic',
    undefined,
    keeper(),
  )
  hold.lose('taken')
  expect(hold.isOver).toBe(false)
})
