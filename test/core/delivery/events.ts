import type { Counted } from '../../../src/core/accounting/message-outcomes.ts'
import type { ChannelSubscription, Replayer } from '../../../src/core/delivery/channel-subscription.ts'
import type { GapEvent, GapReason, MessageEvent } from '../../../src/core/model/channel-event.ts'
import type { Cursor } from '../../../src/core/model/cursor.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'

/** A cursor of which only the offset matters. */
export function cursorAt(offset: number): Cursor {
  return { epoch: '00', offset, fingerprint: 0, before: false, codec: undefined as never }
}

export function entryAt(offset: number, body = 'x', more: Partial<JournalMessage & Counted> = {}): JournalMessage {
  const rest = { exchange: 'e', routingKey: 'k', properties: {}, redelivered: false, receivedAt: 0, mark: false }
  return { ...rest, offset, body: Buffer.from(body), ...more }
}

export function messageAt(offset: number, body = 'x'): MessageEvent {
  const message = entryAt(offset, body)
  const cursor = cursorAt(offset)
  const passed = { cursor, receivedAt: message.receivedAt }
  return { kind: 'MESSAGE', message, cursor, cursorBefore: cursor, passed, keep() {} } as unknown as MessageEvent
}

export function gapAt(offset: number, reason: GapReason = 'RETENTION'): GapEvent {
  return { kind: 'GAP', cursor: cursorAt(offset), reason, oldest: null, receivedAt: 0 }
}

export function checkpointAt(offset: number) {
  return { kind: 'CHECKPOINT', cursor: cursorAt(offset), receivedAt: 0 } as const
}

/** Records which subscriptions resume and stop. */
export class RecordingReplayer implements Replayer {
  readonly resumed: ChannelSubscription[] = []
  readonly stopped: ChannelSubscription[] = []
  resume(subscription: ChannelSubscription): void {
    this.resumed.push(subscription)
  }
  stop(subscription: ChannelSubscription): void {
    this.stopped.push(subscription)
  }
}
