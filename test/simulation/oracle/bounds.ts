import { dropReasons } from '../../../src/core/accounting/labels.ts'
import type { Replica } from '../world/replica.ts'
import type { World } from '../world/world.ts'

/** The largest entry of a simulated journal with its envelope, in bytes. */
const largestEntry = 2_000
const largestBody = 300

/** What `docs/config.md` bounds stays within its bounds, at any moment. */
export function checkBounds(world: World, replica: Replica): void {
  const { gateway, hotWindow } = replica.parts
  if (!gateway || !hotWindow || replica.state === 'killed') return
  const { windowBytes, maxBufferedBytes, maxConnections } = replica.settings
  if (hotWindow.bytes > windowBytes + largestEntry)
    world.violated('the hot window is bounded', `${hotWindow.bytes} of ${windowBytes} bytes`)
  if (gateway.sessions.size > maxConnections)
    world.violated('connections are bounded', `${gateway.sessions.size} of ${maxConnections}`)
  for (const session of gateway.sessions) {
    // One event of each subscription comes on top.
    const most = maxBufferedBytes + session.subscriptions * largestBody
    if (session.bufferedBytes > most || session.bufferedBytes < 0)
      world.violated('what waits for a client is bounded', `${session.bufferedBytes} of ${most} bytes`)
  }
}

/** Each message that a subscription took is delivered, dropped for a reason, or pending. */
export function checkAccounts(world: World, replica: Replica): void {
  const { matched, delivered, pending, dropped } = replica.counter
  const sum = dropReasons.reduce((total, reason) => total + dropped[reason], delivered + pending)
  if (pending < 0) world.violated('accounts are even', `${pending} pending`)
  if (matched !== sum) world.violated('accounts are even', `${matched} matched, ${sum} accounted for`)
}
