import { beforeEach, describe, expect, test } from '@jest/globals'
import { type ConsumeOptions, consume } from '../../src/client/consume.ts'
import { eventually } from '../support/eventually.ts'
import { checkpoint, FedClient, type FedOperation, resultOf } from './fed-client.ts'

const query =
  'subscription Orders($position: String, $after: Cursor) { orders(position: $position, after: $after) { id } }'

/** A gateway that keeps one position. */
class Positions {
  readonly client = new FedClient()
  readonly acks: string[] = []
  /** The open acknowledgement, while `answering` is false. */
  readonly unanswered: FedOperation[] = []
  answering = true
  refusal: { message: string; extensions: { code: string } } | undefined

  constructor() {
    this.client.onOperation = (operation) => {
      if (!operation.payload.query.startsWith('mutation')) return
      if (this.answering) queueMicrotask(() => this.answer(operation))
      else this.unanswered.push(operation)
    }
  }

  answer({ payload, sink }: FedOperation): void {
    const { position, cursor } = payload.variables as { position: string; cursor: string }
    if (this.refusal) sink.next({ errors: [this.refusal] })
    else {
      this.acks.push(`${position} ${cursor}`)
      sink.next({ data: { ack: true } })
    }
    sink.complete()
  }

  get subscription(): FedOperation {
    const found = this.client.operations.findLast(({ payload }) => payload.query === query)
    if (!found) throw new Error('nothing was subscribed')
    return found
  }

  event(id: number): void {
    this.subscription.sink.next(resultOf({ id }, `c${id}`))
  }
}

let gateway: Positions
let handled: unknown[]
let errors: unknown[]
beforeEach(() => {
  gateway = new Positions()
  handled = []
  errors = []
})

const start = (options: Partial<ConsumeOptions<{ id: number }>> = {}) =>
  consume<{ id: number }>(gateway.client, {
    query,
    position: 'phone',
    handle: ({ id }) => handled.push(id),
    onError: (error) => errors.push(error),
    ackEveryMs: 20,
    retryFirstMs: 1,
    ...options,
  })

describe('a consumer', () => {
  test('acknowledges events when their handlers are done, in order, several at once', async () => {
    const done: (() => void)[] = []
    const consumer = start({
      handle: async ({ id }) => {
        handled.push(id)
        await new Promise<void>((resolve) => done.push(resolve))
      },
    })
    expect(gateway.client.variables).toEqual([{ position: 'phone', after: undefined }])
    for (const id of [1, 2, 3, 4]) gateway.event(id)
    for (const id of [1, 2, 3]) {
      await eventually(`event ${id}`, async () => handled.at(-1) === id, { everyMs: 1 })
      done.shift()?.()
    }
    await eventually('an acknowledgement', async () => gateway.acks.includes('phone c3'), { everyMs: 1 })
    expect(gateway.acks.length).toBeLessThan(3)
    expect(handled).toEqual([1, 2, 3, 4])
    const stopping = consumer.stop()
    done.shift()?.()
    await stopping
    expect(gateway.acks.at(-1)).toBe('phone c4')
    expect(errors).toEqual([])
  })

  test('acknowledges checkpoints and what has no value, and resumes after what it received', async () => {
    const consumer = start()
    gateway.event(1)
    gateway.subscription.sink.next(checkpoint('c2'))
    await eventually('a checkpoint', async () => gateway.acks.includes('phone c2'))
    gateway.client.lose()
    await eventually('another attempt', async () => gateway.subscription.payload.variables?.['after'] === 'c2')
    gateway.subscription.sink.next(resultOf(null, 'c3', { gap: { reason: 'RETENTION' } }))
    await eventually('a gap', async () => gateway.acks.includes('phone c3'))
    expect(handled).toEqual([1])
    await consumer.stop()
  })

  test('of which a handler fails acknowledges what came before, and reports the error', async () => {
    start({
      ackEveryMs: 60_000,
      handle: ({ id }) => {
        if (id === 3) throw new Error('no such order')
        handled.push(id)
      },
    })
    for (const id of [1, 2, 3, 4]) gateway.event(id)
    await eventually('the error', async () => errors.length > 0)
    expect(errors).toEqual([new Error('no such order')])
    expect(gateway.acks).toEqual(['phone c2'])
    expect(handled).toEqual([1, 2])
    expect(gateway.subscription.isOpen).toBe(false)
  })

  test('ends when another device takes its position, and does not come back', async () => {
    start({ ackEveryMs: 60_000 })
    gateway.event(1)
    await eventually('an event', async () => handled.length === 1)
    gateway.subscription.sink.error([{ message: 'taken', extensions: { code: 'POSITION_TAKEN' } }])
    await eventually('the end', async () => errors.length > 0)
    expect(errors).toMatchObject([{ name: 'SubscriptionEnded', codes: ['POSITION_TAKEN'] }])
    expect(gateway.acks).toEqual(['phone c1'])
    expect(gateway.client.open.filter(({ payload }) => payload.query === query)).toEqual([])
  })
})

describe('an acknowledgement', () => {
  test('that is not answered is sent again with the newest cursor', async () => {
    const consumer = start()
    gateway.answering = false
    gateway.event(1)
    await eventually('an acknowledgement', async () => gateway.unanswered.length === 1)
    gateway.event(2)
    gateway.answering = true
    gateway.unanswered[0]?.sink.error({ code: 1006, reason: '' })
    await eventually('another one', async () => gateway.acks.length > 0)
    expect(gateway.acks).toEqual(['phone c2'])
    await consumer.stop()
    expect(errors).toEqual([])
  })

  test('that cannot be stored now is sent again, and one that is refused ends the consumer', async () => {
    start()
    gateway.refusal = { message: 'away', extensions: { code: 'REGISTRY_UNAVAILABLE' } }
    gateway.event(1)
    const sent = () => gateway.client.operations.filter(({ payload }) => payload.query.startsWith('mutation')).length
    await eventually('an acknowledgement', async () => sent() > 0)
    gateway.refusal = { message: 'no', extensions: { code: 'FORBIDDEN' } }
    await eventually('the refusal', async () => errors.length > 0)
    expect(errors).toMatchObject([{ codes: ['FORBIDDEN'] }])
    expect(gateway.subscription.isOpen).toBe(false)
  })
})

test('the query must take the position and the cursor', () => {
  expect(() => start({ query: 'subscription ($after: Cursor) { orders(after: $after) { id } }' })).toThrow(
    new TypeError('query: expected a subscription that takes $position: String and $after: Cursor'),
  )
})
