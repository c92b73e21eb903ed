import { expect, test } from '@jest/globals'
import { isEnumType } from 'graphql'
import { messageOutcomes } from '../../../src/core/accounting/labels.ts'
import { schema } from '../../../src/graphql/schema.ts'

test('has a value for each outcome, in capitals', () => {
  const outcome = schema.getType('MessageOutcome')
  const values = isEnumType(outcome) ? outcome.getValues() : []
  expect(values.map(({ name }) => name.toLowerCase()).toSorted()).toEqual([...messageOutcomes].toSorted())
})
