import { expect, test } from '@jest/globals'
import { PendingPulls } from '../../../src/core/delivery/pending-pulls.ts'
import { GatewayError } from '../../../src/errors.ts'
import { checkpointAt } from './events.ts'

const over = { done: true, value: undefined }

test('pulls receive events in their order', async () => {
  const pulls = new PendingPulls()
  const results = [pulls.add(), pulls.add()]
  const events = [checkpointAt(1), checkpointAt(2)]
  for (const value of events) pulls.shift()?.resolve({ done: false, value })
  expect(await Promise.all(results)).toEqual(events.map((value) => ({ done: false, value })))
  expect(pulls.shift()).toBeUndefined()
})

test('at the end, all pulls settle; a later end has none', async () => {
  const pulls = new PendingPulls()
  const results = [pulls.add(), pulls.add()]
  expect([pulls.end(undefined), pulls.end(undefined)]).toEqual([true, false])
  expect(await Promise.all(results)).toEqual([over, over])
})

test('only the first pull receives the failure', async () => {
  const pulls = new PendingPulls()
  const results = [pulls.add(), pulls.add(), pulls.add()]
  const failure = new GatewayError('FORBIDDEN', 'no')
  expect(pulls.end(failure)).toBe(true)
  expect(await Promise.allSettled(results)).toEqual([
    { status: 'rejected', reason: failure },
    { status: 'fulfilled', value: over },
    { status: 'fulfilled', value: over },
  ])
})
