import { expect, test } from '@jest/globals'
import { anonymous } from '../../../src/core/model/identity.ts'
import { gatewayOnMemory } from '../embedded-gateway.ts'

test('a channel that is ended takes its subscriptions with it, and none that are begun afterwards', async () => {
  await using world = await gatewayOnMemory()
  const session = world.gateway.openSession({
    identity: { ...anonymous, clientId: 'alice' },
    transport: 'in-process',
    onClose: () => {},
  })
  const before = session.subscribe({ clientId: 'alice' })
  const ended = world.gateway.endChannel('alice')
  const after = session.subscribe({ clientId: 'alice' })
  await ended
  // What the replicas tell each other comes back to this one too.
  await new Promise((resolve) => setImmediate(resolve))
  expect([before.ended, after.ended]).toEqual([true, false])
})
