import { expect, test } from '@jest/globals'
import { isEnumType, isObjectType } from 'graphql'
import { messageOutcomes } from '../../../src/core/accounting/labels.ts'
import { schema } from '../../../src/graphql/schema.ts'

const outcome = schema.getType('MessageOutcome')
const values = isEnumType(outcome) ? outcome.getValues() : []

test('has a value for each outcome, in capitals', () => {
  expect(values.map(({ name }) => name.toLowerCase()).toSorted()).toEqual([...messageOutcomes].toSorted())
})

test('a traced message has its outcome under the former name too', () => {
  const traced = schema.getType('TracedMessage')
  const { fate, outcome: renamed } = isObjectType(traced) ? traced.getFields() : {}
  expect(fate?.deprecationReason).toContain('`outcome`')
  expect(fate?.type).toBe(renamed?.type)
})
