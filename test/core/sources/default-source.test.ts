import { expect, test } from '@jest/globals'
import type { SourceDefinition } from '../../../src/core/model/source.ts'
import {
  defaultExchangeOf,
  formerBindingKey,
  servedForm,
  storedForm,
} from '../../../src/core/sources/default-source.ts'

const exchange = defaultExchangeOf('warren')
const stored: SourceDefinition = {
  exchange,
  exchangeType: 'TOPIC',
  routingKey: 'client.{clientId}',
  clientId: undefined,
}
const served: SourceDefinition = { ...stored, routingKey: 'client.{clientId#}' }

test('the default source is served with all of the key after the first word, and stored as release 0.1 does', () => {
  expect([servedForm(stored, exchange), storedForm(served, exchange)]).toEqual([served, stored])
  expect([servedForm(served, exchange), storedForm(stored, exchange)]).toEqual([served, stored])
  expect([formerBindingKey(served, exchange), formerBindingKey(stored, exchange)]).toStrictEqual([
    'client.*',
    undefined,
  ])
})

test.each<[string, Partial<SourceDefinition>]>([
  ['another exchange', { exchange: 'orders' }],
  ['another type', { exchangeType: 'DIRECT' }],
  ['another key', { routingKey: 'order.{clientId}' }],
])('a source of %s keeps its form', (_what, change) => {
  for (const source of [
    { ...stored, ...change },
    { ...served, ...change },
  ]) {
    expect([servedForm(source, exchange), storedForm(source, exchange)]).toEqual([source, source])
    expect(formerBindingKey(source, exchange)).toBeUndefined()
  }
})
