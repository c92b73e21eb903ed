import { expect, test } from '@jest/globals'
import { endings } from '../../bench/leader-change/endings.ts'
import { leaderRound } from '../../bench/leader-change/round.ts'
import { variants } from '../../bench/leader-change/variants.ts'
import { verdict } from '../../bench/leader-change/verdict.ts'
import { rabbitCluster } from '../support/rabbitmq/broker.ts'

test('a channel per stream loses nothing when the leader is killed, and a loss always follows an unanswered publish', async () => {
  await using cluster = await rabbitCluster('leader')
  const [killed] = endings.filter(({ name }) => name === 'kill -9')
  if (killed === undefined) throw new Error('there is no kill -9')
  const outcomes = await leaderRound(cluster, 0, killed, variants)
  expect(outcomes).toHaveLength(variants.length)
  for (const { variant, confirmed, lost, lostBeforeSign, sign } of outcomes) {
    expect({ of: variant.name, confirmed: confirmed > 500, lostBeforeSign }).toEqual({
      of: variant.name,
      confirmed: true,
      lostBeforeSign: 0,
    })
    if (variant.clean) expect({ of: variant.name, lost, sign }).toEqual({ of: variant.name, lost: 0, sign: false })
    // Each loss has its sign.
    if (lost > 0) expect(sign).toBe(true)
  }
  expect(verdict('under test', outcomes).foundOut).toBe(true)
})
