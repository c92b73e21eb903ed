import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { maxDecodedBytes } from '../../../src/core/body/decode-body.ts'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { EventFields } from '../../../src/events/serving/event-fields.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'
import { SubscriptionAccess } from '../../../src/events/serving/subscription-access.ts'
import { schemaOf } from '../../events/sdl/reading.ts'
import { controlledGateway, operator, passed } from '../controlled-gateway.ts'
import { MemoryStates } from '../memory-states.ts'

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  jest.useRealTimers()
})

const sdl = `
type Subscription { items: Item @events(exchange: "items") @state(key: "/id") }
type Item { id: ID! }
`

async function world() {
  const { schema } = schemaOf(sdl)
  const fields = new EventFields(schema, { decoders: {}, maxDecodedBytes, count: () => undefined })
  const events = new ServedEvents(fields)
  const field = schema.events.get('items')!
  const store = new MemoryStates()
  const limits = { maxStateKeys: 100, maxStateBytes: 100_000 }
  const states = { store, definitions: () => events.states, limits, pageEvents: 1 }
  const controlled = await controlledGateway({ events, states })
  const { gateway, journal, open } = controlled
  // A scan ends where the journal does, and the fold begins the next one.
  journal.scanning = () => new Promise((resolve) => setImmediate(resolve))
  await open()
  journal.begin()
  const taken = (subscription: ChannelSubscription) => {
    const events: unknown[] = []
    const take = (): void =>
      void subscription.next().then((step) => {
        if (step.done) return
        const { value } = step
        if (value.kind === 'GAP') events.push(value.reason)
        else events.push([value.kind === 'MESSAGE' ? value.message.body.toString() : value.kind, value.state])
        take()
      })
    take()
    return events
  }
  return {
    journal,
    publish: (id: string) => journal.add({ exchange: 'items', routingKey: '', body: Buffer.from(`{"id":"${id}"}`) }),
    subscribe(after?: string) {
      const session = gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
      const access = new SubscriptionAccess(events, { fields, field, args: {}, selected: [] })
      return session.subscribeEvent({ after, access })
    },
    taken,
    async [Symbol.asyncDispose]() {
      await gateway.close()
      await gateway.states?.close()
    },
  }
}

const whole = (body: string, isFirst: boolean, isLast: boolean) => [
  body,
  { phase: isLast ? 'SNAPSHOT_END' : 'SNAPSHOT', reset: isFirst },
]
const stateOfNew = [whole('{"id":"7"}', true, false), whole('{"id":"8"}', false, true)]

test('a connected client gets a gap, and the whole state of the new journal', async () => {
  await using at = await world()
  at.publish('1')
  at.publish('2')
  await passed(1_000)
  const events = at.taken(at.subscribe())
  await passed(1_000)
  expect(events.splice(0)).toEqual([whole('{"id":"1"}', true, false), whole('{"id":"2"}', false, true)])
  at.journal.replace()
  at.publish('7')
  at.publish('8')
  await passed(3_000)
  expect(events.splice(0)).toEqual(['JOURNAL_REPLACED', ...stateOfNew])
  at.publish('7')
  await passed(1_000)
  expect(events).toEqual([['{"id":"7"}', undefined]])
})

test('so does a client that comes back with a cursor of the old journal, or with an invalid one', async () => {
  await using at = await world()
  at.publish('1')
  await passed(1_000)
  const before = at.subscribe()
  const step = await before.next()
  void before.return()
  at.journal.replace()
  at.publish('7')
  at.publish('8')
  await passed(3_000)
  const returned = at.taken(at.subscribe(step.done ? '' : printCursor(step.value.cursor)))
  const invalid = at.taken(at.subscribe('none'))
  await passed(3_000)
  expect(returned).toEqual(['JOURNAL_REPLACED', ...stateOfNew])
  const pull = at.subscribe('none').next()
  await passed(3_000)
  const { value: gap } = await pull
  // A client that loses its connection right after the gap reads the new journal from there.
  expect(gap).toMatchObject({ reason: 'INVALID_CURSOR', cursor: { offset: 0, before: true } })
  expect(invalid).toEqual(['INVALID_CURSOR', ...stateOfNew])
})

test('a state of the old journal that was half received is not continued in the new one', async () => {
  await using at = await world()
  for (const id of ['1', '2', '3']) at.publish(id)
  await passed(1_000)
  const subscription = at.subscribe()
  const first = await subscription.next()
  expect(first).toMatchObject({ value: { state: { phase: 'SNAPSHOT', reset: true } } })
  at.journal.replace()
  at.publish('7')
  at.publish('8')
  const events = at.taken(subscription)
  await passed(5_000)
  expect(events.slice(events.indexOf('JOURNAL_REPLACED'))).toEqual(['JOURNAL_REPLACED', ...stateOfNew])
})
