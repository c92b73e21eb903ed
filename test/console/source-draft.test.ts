import { describe, expect, test } from '@jest/globals'
import {
  inputOf,
  type KnownSource,
  keyOf,
  problemOf,
  problemOfFailure,
  rulesFor,
  type SourceDraft,
  typeOfExchange,
} from '../../src/console/views/sources/source-draft.ts'

const sources: readonly KnownSource[] = [
  { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'orders.#', rule: 'the body at "/to"' },
  { exchange: 'catalogue', exchangeType: 'FANOUT', routingKey: '', rule: 'everyone' },
]
const empty: SourceDraft = { exchange: 'orders', type: 'TOPIC', typedKey: undefined, rule: 'key', detail: '' }

/** The draft with the key that follows from it, what is wrong, and what the gateway is asked. */
function tried(given: Partial<SourceDraft>) {
  const type = typeOfExchange(given.exchange ?? 'orders', sources)
  const draft: SourceDraft = { ...empty, ...given, type: type ?? given.type ?? 'TOPIC' }
  const key = keyOf(draft, type !== undefined)
  return { key, problem: problemOf(draft, key), input: inputOf(draft, key) }
}

describe('the form of a new source', () => {
  test('begins with a key that takes messages, and without an error, whatever the exchange and the rule', () => {
    expect(tried({})).toMatchObject({ key: '#.{clientId}', problem: undefined })
    expect(tried({ exchange: 'new' })).toMatchObject({ key: 'client.{clientId}', problem: undefined })
    for (const exchange of ['orders', 'catalogue', 'new', ''])
      for (const [rule, , detail] of rulesFor(typeOfExchange(exchange, sources) ?? 'TOPIC'))
        expect(tried({ exchange, rule, detail }).problem).toBeUndefined()
    expect(tried({ rule: 'bodyPointer', detail: '/to' }).key).toBe('#')
  })

  test('takes the type of an exchange that has sources, and no key if that ignores keys', () => {
    expect(tried({ exchange: ' catalogue ', rule: 'everyone', typedKey: 'a.b' }).input).toEqual({
      exchange: 'catalogue',
      exchangeType: 'FANOUT',
      routingKey: '',
      buffered: false,
      clientId: { everyone: true },
    })
    expect(rulesFor('FANOUT').map(([name]) => name)).not.toContain('key')
  })

  test('asks nothing while something is missing or wrong, and names the field', () => {
    expect(tried({ exchange: ' ' })).toMatchObject({ problem: undefined, input: undefined })
    expect(tried({ typedKey: 'orders.#' })).toMatchObject({ problem: { place: 'key' }, input: undefined })
    expect(tried({ typedKey: 'o.{clientId}', rule: 'everyone' })).toMatchObject({ problem: { place: 'key' } })
    expect(tried({ rule: 'bodyPointer', detail: 'to' })).toMatchObject({
      problem: { place: 'rule', text: 'A place in the body begins with /, such as /customer/id.' },
      input: undefined,
    })
    const missing = { ...empty, rule: 'header' } as const
    expect(inputOf(missing, '#')).toBeUndefined()
    expect(inputOf(missing, '#', { orEveryone: true })).toMatchObject({ clientId: { everyone: true } })
  })

  test('shows an answer of the gateway at its field, without the name of the argument', () => {
    const of = (field: string | undefined, message: string) => problemOfFailure({ field, message })
    expect(of('input.routingKey', 'input.routingKey: expected at most one #')).toEqual({
      place: 'key',
      text: 'Expected at most one #',
    })
    expect(of('input.clientId.fixed', 'input.clientId.fixed: expected 1 to 255 bytes')).toEqual({
      place: 'rule',
      text: 'Expected 1 to 255 bytes',
    })
    expect(of(undefined, 'RabbitMQ does not answer')).toEqual({ place: 'form', text: 'RabbitMQ does not answer' })
  })
})
