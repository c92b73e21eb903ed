import { expect, test } from '@jest/globals'

import { inspectState } from '../../../src/core/state/inspect-state.ts'
import type { StateHead } from '../../../src/core/state/state-store.ts'
import { testCursors as cursors } from '../../support/gateway/deployment-keys.ts'

const epoch = '0011223344556677'

const place = { epoch, offset: 7, fingerprint: 1, before: false }
const head: StateHead = {
  epoch,
  place,
  built: true,
  full: false,
  keys: 5,
  bytes: 500,
  removed: 2,
  forgottenUpTo: -1,
  holder: 'one',
  heldUntil: Number.POSITIVE_INFINITY,
}
const empty = { keys: 0, removedKeys: 0, bytes: 0, cursor: undefined, lag: 10, replica: undefined }

test.each([
  ['one that is served', head, 'READY', { keys: 3, removedKeys: 2, bytes: 500, lag: 2, replica: 'one' }],
  ['one that no replica folds', { ...head, heldUntil: Date.now() - 1 }, 'READY', { keys: 3, replica: undefined }],
  ['one that is being built', { ...head, built: false }, 'BUILDING', { keys: 3, lag: 2, replica: 'one' }],
  ['one of a journal that is gone', { ...head, epoch: 'ffffffffffffffff' }, 'BUILDING', { ...empty, replica: 'one' }],
  ['one with too many keys', { ...head, full: true }, 'FULL', { keys: 3, replica: undefined }],
  ['one that nothing has folded yet', undefined, 'BUILDING', empty],
])('a state is described: %s', async (_what, stored, status, content) => {
  const store = { head: () => Promise.resolve(stored) }
  const state = await inspectState({ id: 's' }, { store, cursors, epoch: () => epoch, lastOffset: () => 9 })
  expect(state).toMatchObject({ status, content })
})

test('a state is described without its database', async () => {
  const store = { head: () => Promise.reject(new Error('the database is away')) }
  const parts = { store, cursors, epoch: () => epoch, lastOffset: () => 9 }
  expect(await inspectState({ id: 's' }, parts)).toEqual({ status: 'UNAVAILABLE', content: undefined })
})
