import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { RetryPolicy, retryWaitMs, SubscriptionEnded } from '../../src/client/retry-policy.ts'
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

describe('the wait before the next attempt', () => {
  afterEach(() => {
    jest.restoreAllMocks()
  })

  test.each([
    [0, {}, 500],
    [3, {}, 4_000],
    [9, {}, 10_000],
    [2_000, {}, 10_000],
    [1, { retryFirstMs: 1 }, 2],
    [9, { retryFirstMs: 1, retryCapMs: 100 }, 100],
  ])('after %i failures and one more, with %j, is between 0 and %i ms', (failures, waits, most) => {
    const drawn = jest.spyOn(Math, 'random')
    const waitWith = (share: number) => {
      drawn.mockReturnValue(share)
      return retryWaitMs(failures, waits)
    }
    expect([waitWith(0), waitWith(0.5), waitWith(1)]).toEqual([0, most / 2, most])
  })
})
