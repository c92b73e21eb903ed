import { describe, expect, test } from '@jest/globals'
import { RetryPolicy, SubscriptionEnded } from '../../src/client/retry-policy.ts'
import { errorTable } from '../../src/errors.ts'

const answeredWith = (code: string) => [{ message: 'refused', extensions: { code } }]

describe('the retry policy', () => {
  test.each(Object.entries(errorTable))('follows the error table for %s', (code, { retry }) => {
    const error = new RetryPolicy().finalErrorOf(answeredWith(code))
    if (retry) expect(error).toBeUndefined()
    else expect(error).toMatchObject({ codes: [code], message: `${code}: refused` })
  })

  test.each([
    [4403, 4403, 4403],
    [4401, 4403, 4401],
  ])('ends after three refused tokens in a row: %i, %i, %i', (...codes) => {
    const policy = new RetryPolicy()
    const errors = codes.map((code) => policy.finalErrorOf({ code, reason: 'refused' }))
    expect(errors).toEqual([undefined, undefined, expect.any(SubscriptionEnded)])
    expect(new RetryPolicy().finalErrorOf({ code: 4292, reason: 'Revoked' })).toBeInstanceOf(SubscriptionEnded)
  })

  test('counts refused tokens from zero after a result', () => {
    const policy = new RetryPolicy()
    const closed = { code: 4403, reason: 'Forbidden' }
    for (let refusals = 0; refusals < 2; refusals += 1) policy.finalErrorOf(closed)
    policy.reset()
    expect(policy.finalErrorOf(closed)).toBeUndefined()
  })
})
