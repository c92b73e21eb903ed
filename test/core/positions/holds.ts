import { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import type { Cursor, CursorCodec, JournalPlace } from '../../../src/core/model/cursor.ts'
import { channelTopic } from '../../../src/core/ports/topic.ts'
import { type HoldKeeper, PositionHold } from '../../../src/core/positions/position-hold.ts'
import type { GatewayError } from '../../../src/errors.ts'

export const epoch = 'one'

/** Everything up to this offset is acked. */
export function placeAt(offset: number, of = epoch): JournalPlace {
  return { epoch: of, offset, fingerprint: 0, before: false }
}

export function cursorAt(offset: number): Cursor {
  return { ...placeAt(offset), codec: {} as CursorCodec }
}

/** A keeper that never answers. What is given replaces it. */
export function keeper(given: Partial<HoldKeeper> = {}): HoldKeeper {
  return { take: () => new Promise(() => {}), acked: () => {}, released: () => {}, failed: () => {}, ...given }
}

interface Held {
  readonly hold: PositionHold
  readonly subscription: ChannelSubscription
  /** Where the subscription begins: 'live', or an offset. Undefined: it has not begun. */
  readonly begun: () => 'live' | number | undefined
  /** Why it ended. Undefined: it has not. */
  readonly failure: () => Partial<GatewayError> | undefined
}

/** A subscription of alice that asks for a position. */
export function asking(
  given: {
    readonly name?: string
    readonly holder?: number
    readonly keeper?: HoldKeeper
    readonly after?: Cursor
    readonly start?: Cursor
    readonly acksDelivered?: boolean
  } = {},
): Held {
  let begun: 'live' | number | undefined
  let failure: Partial<GatewayError> | undefined
  const hold = new PositionHold(
    { clientId: 'alice', name: given.name ?? 'phone', acksDelivered: given.acksDelivered ?? false },
    'topic',
    given.start,
    given.keeper ?? keeper(),
  )
  hold.holder = given.holder ?? 0
  const subscription = new ChannelSubscription({
    topic: channelTopic('alice'),
    after: given.after,
    awaitsBegin: true,
    replayer: {
      resume: ({ position }) => {
        begun = typeof position === 'object' ? position.offset : 'live'
      },
      stop: () => {},
    },
  })
  subscription.pipe({
    take: () => true,
    end: (error) => {
      failure = error ?? {}
    },
  })
  hold.begin(subscription)
  return { hold, subscription, begun: () => begun, failure: () => failure }
}
