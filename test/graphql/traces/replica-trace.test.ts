import { expect, test } from '@jest/globals'
import { isObjectType } from 'graphql'
import { schema } from '../../../src/graphql/schema.ts'

test('a traced message has its outcome under the former name too', () => {
  const traced = schema.getType('TracedMessage')
  const { fate, outcome: renamed } = isObjectType(traced) ? traced.getFields() : {}
  expect(fate?.deprecationReason).toContain('`outcome`')
  expect(fate?.type).toBe(renamed?.type)
})
