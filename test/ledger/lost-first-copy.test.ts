import { expect, test } from '@jest/globals'
import type { LedgerEvent } from './accounts.ts'
import { lacksFirstCopy, type ReplicaLog } from './lost-first-copy.ts'

const gap: LedgerEvent = { kind: 'gap', reason: 'RETENTION' }
const replaced: LedgerEvent = { kind: 'gap', reason: 'JOURNAL_REPLACED' }

function received(offset: number, { port = 1, at = 10, epoch = 'a', number = 7 } = {}): LedgerEvent {
  return { kind: 'event', number, receipt: { port, at, epoch, offset } }
}

function log(port: number, overtaken: readonly (readonly [after: number, before: number])[], since = 0): ReplicaLog {
  const msg =
    'retention deleted messages that the tail had not read: subscriptions receive a GAP event, and those of keyed state what changed'
  const lines = overtaken.map(([after, before]) => JSON.stringify({ msg, epoch: 'a', after, before }))
  return { port, since, output: () => ['{"msg":"other"}', ...lines, ''].join('\n') }
}

const overtaken = [log(1, []), log(2, [[10, 30]])]
const second = received(40, { port: 2 })

test('a second copy is allowed from a replica that retention overtook at the first one', () => {
  expect(lacksFirstCopy([received(20), gap, second], 7, overtaken)).toBe(true)
})

test.each<[what: string, events: readonly LedgerEvent[], logs: readonly ReplicaLog[]]>([
  ['no gap lies between', [gap, received(20), second], overtaken],
  ['the gap has another reason', [received(20), replaced, second], overtaken],
  ['the replica read the first copy before it was overtaken', [received(10), gap, second], overtaken],
  ['the replica read the first copy after it was overtaken', [received(30), gap, second], overtaken],
  ['the replica was overtaken in another journal', [received(20, { epoch: 'b' }), gap, second], overtaken],
  ['another replica was overtaken', [received(20), gap, received(40)], overtaken],
  ['an earlier process of the replica was overtaken', [received(20), gap, second], [...overtaken, log(2, [], 5)]],
  ['only the hole between two segments was skipped', [received(20), gap, second], [log(2, [[20, 22]])]],
  ['the replica delivered it once more', [received(20), gap, second, received(41, { port: 2 })], overtaken],
  ['it is not known where it was received', [{ kind: 'event', number: 7 }, gap, second], overtaken],
])('a second copy is not allowed if %s', (_what, events, logs) => {
  expect(lacksFirstCopy(events, 7, logs)).toBe(false)
})
