import { describe, expect, test } from '@jest/globals'
import { FairShares } from '../../../src/core/limits/fair-shares.ts'
import { SharedBytes } from '../../../src/core/limits/shared-bytes.ts'

describe('fair shares of one buffer', () => {
  test('one payer alone gets half of the buffer, to the byte', () => {
    const shares = new FairShares(100)
    shares.add('a', 30)
    expect([shares.hasRoom('a', 40), shares.hasRoom('a', 41)]).toEqual([true, false])
    shares.add('a', 20)
    expect(shares.used).toBe(50)
    expect(shares.hasRoom('a', 1)).toBe(false)
    expect(shares.hasRoom('b', 50)).toBe(true)
    expect(shares.hasRoom('b', 51)).toBe(false)
  })

  test('without a payer only the buffer is the limit', () => {
    const shares = new FairShares(100)
    shares.add(undefined, 90)
    expect(shares.hasRoom(undefined, 10)).toBe(true)
    expect(shares.hasRoom(undefined, 11)).toBe(false)
  })

  test('an empty buffer accepts an item of any size, and only one', () => {
    const shares = new FairShares(100)
    expect(shares.hasRoom('a', 1_000)).toBe(true)
    shares.add('a', 1_000)
    expect(shares.hasRoom('b', 0)).toBe(false)
  })

  test('what is given back is free again, and the payer without items is a new one', () => {
    const shares = new FairShares(100)
    shares.add('b', 10)
    shares.add('a', 40)
    shares.add('a', -40)
    expect(shares.used).toBe(10)
    // A payer with items may hold at most what it leaves free; a new one may take all.
    expect(shares.hasRoom('a', 90)).toBe(true)
    expect(shares.hasRoom('b', 80)).toBe(true)
    expect(shares.hasRoom('b', 81)).toBe(false)
  })
})

describe('shared bytes', () => {
  test('are limited for each caller and in total, to the byte', () => {
    const bytes = new SharedBytes(() => ({ each: 60, total: 100 }))
    expect(bytes.hasRoom('a', 60)).toBe(true)
    expect(bytes.hasRoom('a', 61)).toBe(false)
    expect(bytes.hasRoom(undefined, 60)).toBe(true)
    expect(bytes.hasRoom(undefined, 61)).toBe(false)
    bytes.hold('b', 50)
    expect(bytes.hasRoom('a', 50)).toBe(true)
    expect(bytes.hasRoom('a', 51)).toBe(false)
    expect(bytes.hasRoom('b', 0)).toBe(true)
    expect(bytes.hasRoom('b', 10)).toBe(false)
  })

  test('a caller that holds something takes only as much as it leaves for others', () => {
    const bytes = new SharedBytes(() => ({ each: 1_000, total: 100 }))
    bytes.hold('a', 20)
    expect(bytes.hasRoom('a', 60)).toBe(true)
    expect(bytes.hasRoom('a', 61)).toBe(false)
    expect(bytes.hasRoom('b', 80)).toBe(true)
    bytes.hold('a', -20)
    expect(bytes.total).toBe(0)
    expect(bytes.hasRoom('a', 100)).toBe(true)
  })

  test('a limit that changes counts at once', () => {
    let each = 10
    const bytes = new SharedBytes(() => ({ each, total: 100 }))
    expect(bytes.hasRoom('a', 20)).toBe(false)
    each = 20
    expect(bytes.hasRoom('a', 20)).toBe(true)
  })
})
