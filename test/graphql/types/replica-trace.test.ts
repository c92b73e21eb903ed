import { expect, test } from '@jest/globals'
import { isEnumType } from 'graphql'
import { messageOutcomes } from '../../../src/core/accounting/labels.ts'
import { schema } from '../../../src/graphql/schema.ts'

const fate = schema.getType('MessageFate')
const values = isEnumType(fate) ? fate.getValues() : []

test('has a value for each outcome, in capitals', () => {
  const current = values.filter(
    ({ deprecationReason }) => deprecationReason === undefined || deprecationReason === null,
  )
  expect(current.map(({ name }) => name.toLowerCase()).toSorted()).toEqual([...messageOutcomes].toSorted())
})

test('keeps the former names as deprecated values', () => {
  const deprecated = values.filter(({ deprecationReason }) => typeof deprecationReason === 'string')
  expect(deprecated.map(({ name }) => name).toSorted()).toEqual(['HEARD', 'UNHEARD'])
})
