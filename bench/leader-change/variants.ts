/** Ways to use a confirm channel that publishes to one stream. */
import { once } from 'node:events'
import type { ConfirmChannel } from 'amqplib'

/** The channel's target in one round. */
export interface Place {
  readonly channel: ConfirmChannel
  readonly stream: string
  /** A classic queue on the node that the channel is connected to. */
  readonly elsewhere: string
  /** Deletes the stream and declares it again, with the same leader. */
  readonly declareAgain: () => Promise<void>
}

export interface Variant {
  readonly name: string
  /** All that the channel publishes is stored in the stream that exists now. */
  readonly clean: boolean
  /** Uses the channel before the round publishes. */
  readonly prepare: (place: Place) => Promise<void>
  /** Publishes to the stream through an exchange that a classic queue is bound to as well. */
  readonly alsoToQueue?: boolean
}

const before = Buffer.from('before')
const storedBefore = 20

function afterElsewhere(count: number): Variant {
  return {
    name: `${count} confirmed elsewhere first`,
    clean: false,
    async prepare({ channel, elsewhere }) {
      for (let n = 0; n < count; n += 1) channel.sendToQueue(elsewhere, before)
      await channel.waitForConfirms()
    },
  }
}

export const variants: readonly Variant[] = [
  { name: 'own stream only', clean: true, prepare: async () => {} },
  afterElsewhere(1),
  afterElsewhere(50),
  {
    name: 'one basic.return first',
    clean: false,
    async prepare({ channel, elsewhere }) {
      const returned = once(channel, 'return')
      channel.sendToQueue(`${elsewhere}.missing`, before, { mandatory: true })
      await Promise.all([returned, channel.waitForConfirms()])
    },
  },
  {
    name: 'stream declared again',
    clean: false,
    async prepare({ channel, stream, declareAgain }) {
      for (let n = 0; n < storedBefore; n += 1) channel.sendToQueue(stream, before)
      await channel.waitForConfirms()
      await declareAgain()
    },
  },
  { name: 'each also to a classic queue', clean: true, alsoToQueue: true, prepare: async () => {} },
]
