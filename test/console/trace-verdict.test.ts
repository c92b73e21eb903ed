import { describe, expect, test } from '@jest/globals'
import {
  type Case,
  casesOf,
  exactFirst,
  foundText,
  sourcesOf,
  type Traced,
  verdictOf,
} from '../../src/console/views/trace/verdict.ts'

const sources = sourcesOf({
  rabbitChannels: [
    { id: 'orders', exchange: 'shop.orders', routingKey: 'orders.*.*', origin: 'API' },
    { id: 'typed', exchange: 'shop.orders', routingKey: 'orders.#', origin: 'SCHEMA' },
  ],
})
const reasonOf = (source: string, reason: string) => ({ source, matched: false, everyone: false, clients: [], reason })

/** Order 17 of the demo: its body names no customer. */
const lost: Traced = {
  cursor: 'c',
  offset: 17,
  messageId: 'order-17-created',
  preview: '',
  exchange: 'shop.orders',
  routingKey: 'orders.eu.created',
  receivedAt: '2026-11-29T15:48:33.000Z',
  outcome: 'NO_SUBSCRIBER',
  reason: null,
  explanation: '',
  clients: [],
  clientCount: 0,
  withoutClient: true,
  matched: 0,
  delivered: 0,
  dropped: 0,
  pending: 0,
  fields: [{ field: 'orderChanged', outcome: 'NOT_MATCHED', detail: 'customerId' }],
  sourceReasons: [
    reasonOf('orders', '"/customer/id" is not in the body'),
    reasonOf('typed', 'only typed fields read it'),
  ],
  sessions: [],
}

const verdictsOf = (...messages: readonly Traced[]) =>
  casesOf(messages.map((message, index) => ({ replica: `r${index}`, since: null, messages: [message] }))).map((one) =>
    verdictOf(one, sources),
  )

describe('the sentence of a trace', () => {
  test('names the source and the reason of a message for which no source found a client', () => {
    expect(verdictsOf(lost, lost)).toEqual([
      {
        outcome: 'UNMATCHED',
        text: '"/customer/id" is not in the body (shop.orders orders.*.*). No subscription of the typed field orderChanged wanted it.',
      },
    ])
  })

  test('does not promise a message to a client that resumes if it is for no client', () => {
    const typed = { ...lost, withoutClient: false, sourceReasons: [reasonOf('typed', 'only typed fields read it')] }
    expect(verdictsOf(typed)).toEqual([
      {
        outcome: 'NO_SUBSCRIBER',
        text: 'no subscription of the typed field orderChanged wanted it on the replica that remembers it when it arrived.',
      },
    ])
  })

  test('names the typed field that a delivered message does not fit, and the quarantine', () => {
    const misfit = { field: 'orderChanged', outcome: 'INVALID', detail: '/total: expected a number' } as const
    const delivered: Traced = {
      ...lost,
      outcome: 'DELIVERED',
      reason: 'schema',
      clients: ['alice'],
      clientCount: 1,
      withoutClient: false,
      matched: 1,
      delivered: 1,
      fields: [misfit],
    }
    const text =
      'It reached 1 of 1 subscription of alice. It does not fit the typed field orderChanged, /total: expected a number.'
    expect(verdictsOf(delivered, { ...delivered, reason: null })).toEqual([
      {
        outcome: 'DELIVERED',
        text: `${text.replace('1 of 1 subscription', '2 of 2 subscriptions')} A copy went to the quarantine for that.`,
      },
    ])
    // More misfits came in a minute than are copied.
    expect(verdictsOf({ ...delivered, reason: null })).toEqual([{ outcome: 'DELIVERED', text }])
  })

  test('names the typed field that received a message without a client', () => {
    const received: Traced = {
      ...lost,
      outcome: 'DELIVERED',
      matched: 1,
      delivered: 1,
      fields: [{ field: 'orderChanged', outcome: 'MATCHED', detail: null }],
    }
    expect(verdictsOf(received)).toEqual([
      { outcome: 'DELIVERED', text: 'It reached 1 of 1 subscription of the typed field orderChanged.' },
    ])
  })

  test('states that a client that is away can still receive the message', () => {
    const away = { ...lost, clients: ['erin'], clientCount: 1, withoutClient: false }
    expect(verdictsOf(away)).toEqual([
      {
        outcome: 'NO_SUBSCRIBER',
        text: 'erin had no subscription on the replica that remembers it when it arrived. A client that resumes with an older cursor receives it.',
      },
    ])
  })
})

describe('the found messages', () => {
  const found = (ids: readonly string[]) => {
    const messages = ids.map((messageId, offset) => ({ ...lost, messageId, offset }))
    const traces = [{ replica: 'r', since: null, messages }]
    return { cases: casesOf(traces), traces }
  }
  const idsOf = (cases: readonly Case[]) => cases.map(({ seen }) => seen[0]?.message.messageId)

  test('begin with the one that has exactly the id', () => {
    const { cases } = found(['total-1', 'total-2', 'total-10', 'total-11'])
    expect(idsOf(exactFirst(cases, ' Total-1 '))).toEqual(['total-1', 'total-11', 'total-10', 'total-2'])
    expect(idsOf(exactFirst(cases, null))).toEqual(['total-11', 'total-10', 'total-2', 'total-1'])
  })

  test('are named the newest if there may be older ones', () => {
    const textOf = (count: number) => {
      const { cases, traces } = found(Array.from({ length: count }, (_, index) => `id-${index}`))
      return foundText(cases, traces)
    }
    expect([textOf(19), textOf(20)]).toEqual(['19 messages found', 'The newest 20 messages found'])
  })
})
