import { expect, test } from '@jest/globals'
import { runStateLedger } from '../ledger/state/state-ledger.ts'

/** Six faults, each with what it takes to recover. */
const timeoutMs = 1_200_000

test(
  'keyed state is the fold of what was published, and positions lose and double nothing, whatever breaks',
  async () => {
    const result = await runStateLedger({
      seed: 20_261_129,
      owners: 4,
      replicas: 2,
      connectsEach: 12,
      script: [
        'trim the stream',
        'kill the folding gateway',
        'restart the database',
        'stop the folding gateway',
        'trim beneath the fold',
        'kill the broker',
      ],
    })
    expect(result.faults).toEqual([])
    // Faults must have had an effect, or the run proves nothing.
    for (const count of ['snapshots', 'rebased', 'lost', 'takeovers', 'acks'] as const)
      expect([count, result[count]]).not.toEqual([count, 0])
    expect(result.fences).toBeGreaterThan(1)
    expect(result.compared).toBeGreaterThan(result.published)
  },
  timeoutMs,
)
