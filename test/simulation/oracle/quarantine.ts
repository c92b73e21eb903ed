import { QuorumQueue } from '../broker/quorum-queue.ts'
import type { World } from '../world/world.ts'
import { numberIn } from './ground-truth.ts'

/** Actions after which the replica with the claim, or the poison itself, may be gone. */
const excuses = new Set<string>(['replica-kill', 'replica-restart', 'journal-delete'])
/** Actions of clients alone: the broker accepts each copy at once. */
const ofClients = new Set<string>(['publish', 'client-cut', 'client-stall', 'client-rewind', 'client-renew'])

/** The promises of `docs/messages.md`. Returns what does not hold yet. */
export function unsettledQuarantine(world: World): string | undefined {
  const { content } = world.rabbit.queues.get('warren.quarantine') ?? {}
  if (!(content instanceof QuorumQueue)) return undefined
  const copies = new Map<number, number>()
  for (const body of content.bodies) {
    const number = numberIn(body)
    copies.set(number, (copies.get(number) ?? 0) + 1)
    const { isPoison, isMisfit } = world.truth.intents[number] ?? {}
    if (!isPoison && !isMisfit) world.violated('only poison and misfits are in the quarantine', `message ${number}`)
  }
  const { actions } = world.script
  if (actions.every(({ kind }) => ofClients.has(kind)))
    for (const [number, count] of copies)
      if (count > 1) world.violated('poison is copied once', `${count} copies of message ${number}`)
  if (actions.some(({ kind }) => excuses.has(kind))) return undefined
  for (const { account } of world.clients)
    for (const number of account.passed)
      if (!copies.has(number)) return `message ${number} is poison, and not in the quarantine`
  return undefined
}
