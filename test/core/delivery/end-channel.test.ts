import { expect, test } from '@jest/globals'
import { anonymous } from '../../../src/core/model/identity.ts'
import { gatewayOnMemory } from '../embedded-gateway.ts'

test('ending a channel ends its subscriptions, but none that start later', async () => {
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
  // A control message of this replica comes back to it as well.
  await new Promise((resolve) => setImmediate(resolve))
  expect([before.ended, after.ended]).toEqual([true, false])
})
