import { expect, test } from '@jest/globals'
import { type ErrorCode, GatewayError } from '../../../src/errors.ts'
import { errorFieldsOf } from '../../../src/transports/encoding/error-fields.ts'

const refusals: ErrorCode[] = []
const stacks: string[] = []
const observer = {
  onRefusal: (code: ErrorCode) => void refusals.push(code),
  onUnexpected: (stack: string) => void stacks.push(stack),
}

test('a refusal is shown and counted; of any other error the client sees nothing', () => {
  const refusal = new GatewayError('LIMIT_EXCEEDED', 'at most 2', { limit: 'WARREN_MAX_SUBSCRIPTIONS' })
  expect(errorFieldsOf(refusal, observer)).toEqual({
    code: 'LIMIT_EXCEEDED',
    message: 'at most 2',
    limit: 'WARREN_MAX_SUBSCRIPTIONS',
  })
  expect(errorFieldsOf(new TypeError('secret'), observer)).toEqual({
    code: 'INTERNAL_SERVER_ERROR',
    message: 'Unexpected error',
  })
  expect(refusals).toEqual(['LIMIT_EXCEEDED'])
  expect(stacks).toEqual([expect.stringContaining('TypeError: secret')])
})
