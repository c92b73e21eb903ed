import { expect, test } from '@jest/globals'
import type { ConsoleStats } from '../../src/console/shell/stats.tsx'
import { accountSentence, behindOf } from '../../src/console/views/overview/behind-of.ts'

type Replica = Pick<ConsoleStats['replicas'][number], 'catchingUp' | 'catchingUpClients'>

const behind = (...replicas: readonly Replica[]) => behindOf({ replicas } as Pick<ConsoleStats, 'replicas'>)

test('subscriptions that are not live are counted over the replicas that answered, with their clients', () => {
  const one = { catchingUp: 2, catchingUpClients: ['mira', 'bob'] }
  const silent = { catchingUp: null, catchingUpClients: null }
  expect(behind(one, { catchingUp: 1, catchingUpClients: ['mira'] }, silent)).toEqual({
    subscriptions: 3,
    clients: ['mira', 'bob'],
  })
})

test('everything is accounted for only if no subscription reads from the journal', () => {
  const sentenceOf = (catchingUp: number, difference = 0) =>
    accountSentence(difference, behind({ catchingUp, catchingUpClients: [] }))
  expect([sentenceOf(0), sentenceOf(1), sentenceOf(2), sentenceOf(2, -1)]).toEqual([
    'Every event that was matched is accounted for.',
    'Every event that was matched so far is accounted for. 1 subscription reads from the journal: what it has not read is not matched yet.',
    'Every event that was matched so far is accounted for. 2 subscriptions read from the journal: what they have not read is not matched yet.',
    '1 event is not accounted for.',
  ])
})
