import { decodeBody } from '../../core/body/decode-body.ts'
import { plainHeaders } from '../../core/body/plain-headers.ts'
import { toDate } from '../../core/body/to-date.ts'
import { JsonText } from '../../core/json/print-json.ts'
import { type ChannelEvent as CoreEvent, type GapEvent, gapReasons } from '../../core/model/channel-event.ts'
import type { JournalMessage } from '../../core/model/message.ts'
import { builder } from '../builder.ts'
import type { PrintedField } from '../compile/selection-printer.ts'

/** An event for one subscriber, with the channel of the subscription. */
export interface DeliveredEvent {
  readonly clientId: string
  readonly event: CoreEvent
}

const EventKind = builder.enumType('EventKind', {
  description: 'A message, a notice that events are missing, or a fresh cursor of an idle channel.',
  values: ['MESSAGE', 'GAP', 'CHECKPOINT'] as const,
})

const GapReason = builder.enumType('GapReason', {
  values: {
    RETENTION: { value: gapReasons[0], description: 'The journal no longer contains the events.' },
    JOURNAL_REPLACED: {
      value: gapReasons[1],
      description: 'The journal was replaced, or the cursor belongs to another deployment.',
    },
    INVALID_CURSOR: { value: gapReasons[2], description: 'Warren did not issue this cursor.' },
    OVERFLOW: {
      value: gapReasons[3],
      description:
        'The client was too slow and its overflow policy dropped the events. They can still be read after `oldest`.',
    },
    UNREADABLE: {
      value: gapReasons[4],
      description:
        'The journal has a message that RabbitMQ cannot deliver to any consumer. Its clients are unknown, so every subscription gets this gap.',
    },
  } as const,
})

export const ChannelGap = builder.objectRef<GapEvent>('ChannelGap').implement({
  fields: (t) => ({
    reason: t.expose('reason', { type: GapReason }),
    oldest: t.expose('oldest', {
      type: 'Cursor',
      nullable: true,
      description: 'The oldest available cursor.',
    }),
    dropped: t.int({
      nullable: true,
      description: 'The number of missing messages, if known. With `OVERFLOW` it is exact.',
      resolve: ({ dropped }) => dropped ?? null,
    }),
  }),
})

function messageOf({ event }: DeliveredEvent): JournalMessage | undefined {
  return event.kind === 'MESSAGE' ? event.message : undefined
}

export const ChannelEventUnion = builder.objectRef<DeliveredEvent>('ChannelEvent').implement({
  description: 'An event of a channel. Events arrive in order. Keep `cursor` to resume after this event.',
  fields: (t) => ({
    kind: t.field({ type: EventKind, resolve: ({ event }) => event.kind }),
    cursor: t.field({ type: 'Cursor', resolve: ({ event }) => event.cursor }),
    clientId: t.exposeID('clientId'),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'JSON for application/json (or for a body without a content type that parses as JSON), a string for text/*, else base64.',
      resolve: (delivered) => {
        const message = messageOf(delivered)
        return message ? dataOf(message) : null
      },
      extensions: {
        jsonOf: (delivered) => {
          const message = messageOf(delivered)
          return message && decodeBody(message).json
        },
      } satisfies PrintedField<DeliveredEvent>,
    }),
    type: t.string({ nullable: true, resolve: (delivered) => messageOf(delivered)?.properties.type }),
    contentType: t.string({
      nullable: true,
      resolve: (delivered) => {
        const message = messageOf(delivered)
        return message ? decodeBody(message).contentType : null
      },
    }),
    messageId: t.string({ nullable: true, resolve: (delivered) => messageOf(delivered)?.properties.messageId }),
    headers: t.field({
      type: 'JSON',
      nullable: true,
      resolve: (delivered) => {
        const message = messageOf(delivered)
        return message ? plainHeaders(message.properties.headers ?? {}) : null
      },
    }),
    exchange: t.string({ nullable: true, resolve: (delivered) => messageOf(delivered)?.exchange }),
    routingKey: t.string({ nullable: true, resolve: (delivered) => messageOf(delivered)?.routingKey }),
    redelivered: t.boolean({ resolve: (delivered) => messageOf(delivered)?.redelivered ?? false }),
    publishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The timestamp property of the message, if its publisher set a valid date.',
      resolve: (delivered) => toDate(messageOf(delivered)?.properties.timestamp),
    }),
    receivedAt: t.field({
      type: 'DateTime',
      resolve: ({ event }) => new Date(event.kind === 'MESSAGE' ? event.message.receivedAt : event.receivedAt),
    }),
    gap: t.field({
      type: ChannelGap,
      nullable: true,
      description: 'Set if `kind` is GAP: events are missing before this cursor.',
      resolve: ({ event }) => (event.kind === 'GAP' ? event : null),
    }),
  }),
})

/**
 * Returns the JSON text without parsing, which would lose digits and take time. Throws
 * `UndecodableBody`.
 */
export function dataOf(message: JournalMessage): unknown {
  const { json } = decodeBody(message)
  return json === 'null' ? null : new JsonText(json)
}
