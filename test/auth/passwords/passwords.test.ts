import { describe, expect, test } from '@jest/globals'
import { parseOptions } from '@node-rs/argon2'
import { ConcurrencyLimit } from '../../../src/auth/passwords/concurrency-limit.ts'
import { createPasswords } from '../../../src/auth/passwords/passwords.ts'

const passwords = createPasswords(128)

describe('a password', () => {
  test('matches its own hash only', async () => {
    const hash = await passwords.hash('correct horse')
    expect(await passwords.verify(hash, 'correct horse')).toBe(true)
    expect(await passwords.verify(hash, 'correct horse ')).toBe(false)
    expect(await passwords.hash('correct horse')).not.toBe(hash)
  })

  test('is hashed with argon2id, 19 MiB, two passes, one lane', async () => {
    const hash = await passwords.hash('secret')
    expect(hash).toMatch(/^\$argon2id\$v=19\$/)
    expect(parseOptions(hash)).toMatchObject({ memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 })
  })

  test('is the same for composed and decomposed letters', async () => {
    expect(await passwords.verify(await passwords.hash('Stra\u00dfe \u00e9'), 'Stra\u00dfe e\u0301')).toBe(true)
  })

  test('takes the same time to check for an unknown client, and is wrong', async () => {
    const hash = await passwords.hash('secret')
    // The time of the processor, because a busy machine stretches that of a clock.
    const timeOf = async (known: string | undefined) => {
      const before = process.cpuUsage()
      expect(await passwords.verify(known, 'wrong')).toBe(false)
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const [ofUnknown, ofKnown]: [number[], number[]] = [[], []]
    for (let n = 0; n < 9; n++) {
      ofUnknown.push(await timeOf(undefined))
      ofKnown.push(await timeOf(hash))
    }
    const ratio = Math.min(...ofUnknown) / Math.min(...ofKnown)
    expect(ratio).toBeGreaterThan(0.5)
    expect(ratio).toBeLessThan(2)
  })

  test('is refused when the queue of checks is full, and queued checks complete', async () => {
    // Two run, and eight wait.
    const few = createPasswords(8)
    const hash = await few.hash('secret')
    const settled = await Promise.allSettled(Array.from({ length: 20 }, () => few.verify(hash, 'secret')))
    const refused = settled.filter((one) => one.status === 'rejected')
    expect(settled.filter((one) => one.status === 'fulfilled' && one.value)).toHaveLength(10)
    expect(refused).toHaveLength(10)
    expect(refused[0]?.reason).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_PASSWORD_CHECKS' })
    expect(await few.verify(hash, 'secret')).toBe(true)
  })
})

describe('a concurrency limit', () => {
  test('runs at most the limit at once, in order, and continues after a failure', async () => {
    const checks = new ConcurrencyLimit({ concurrency: 2, maxWaiting: 10, limit: 'l', message: 'r' })
    let inside = 0
    let most = 0
    const order: number[] = []
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        checks.run(async () => {
          order.push(n)
          inside += 1
          most = Math.max(most, inside)
          await new Promise(setImmediate)
          inside -= 1
          if (n === 3) throw new Error('failed inside')
        }),
      ),
    )
    expect(most).toBe(2)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(results.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1)
  })
})
