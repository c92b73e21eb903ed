import { decodeBody } from '../../core/body/decode-body.ts'
import { plainHeaders } from '../../core/body/plain-headers.ts'
import { JsonText } from '../../core/json/print-json.ts'
import { type ChannelEvent as CoreEvent, type GapEvent, gapReasons } from '../../core/model/channel-event.ts'
import type { JournalMessage } from '../../core/model/message.ts'
import { toDate } from '../../core/model/to-date.ts'
import type { PrintedField } from '../compile/compiled-selection.ts'
import { builder } from './builder.ts'

/** An event for one subscriber, with the channel of the subscription. */
export interface DeliveredEvent {
  readonly clientId: string
  readonly event: CoreEvent
}

const EventKind = builder.enumType('EventKind', {
  description: 'A message; a notice that events are missing; or the fresh cursor of an idle channel.',
  values: ['MESSAGE', 'GAP', 'CHECKPOINT'] as const,
})

const GapReason = builder.enumType('GapReason', {
  values: {
    RETENTION: { value: gapReasons[0], description: 'The journal no longer keeps them.' },
    JOURNAL_REPLACED: {
      value: gapReasons[1],
      description: 'The journal was made anew, or the cursor is of another deployment.',
    },
    INVALID_CURSOR: { value: gapReasons[2], description: 'The cursor is none that Warren gave out.' },
    OVERFLOW: {
      value: gapReasons[3],
      description:
        'The client was too slow, and its overflow policy took them away; they can still be read behind `oldest`.',
    },
    UNREADABLE: {
      value: gapReasons[4],
      description:
        'A message stands there that RabbitMQ cannot hand to any consumer. Nobody knows whom it was for, so every subscription is told.',
    },
  } as const,
})

export const ChannelGap = builder.objectRef<GapEvent>('ChannelGap').implement({
  fields: (t) => ({
    reason: t.expose('reason', { type: GapReason }),
    oldest: t.expose('oldest', {
      type: 'Cursor',
      nullable: true,
      description: 'The oldest cursor that can still be had.',
    }),
    dropped: t.int({
      nullable: true,
      description: 'How many messages are missing, where that is known: with `OVERFLOW`, exactly so many.',
      resolve: ({ dropped }) => dropped ?? null,
    }),
  }),
})

function messageOf({ event }: DeliveredEvent): JournalMessage | undefined {
  return event.kind === 'MESSAGE' ? event.message : undefined
}

export const ChannelEventUnion = builder.objectRef<DeliveredEvent>('ChannelEvent').implement({
  description: 'What a subscriber of a channel is given, in order. Keep `cursor`: it resumes behind this event.',
  fields: (t) => ({
    kind: t.field({ type: EventKind, resolve: ({ event }) => event.kind }),
    cursor: t.field({ type: 'Cursor', resolve: ({ event }) => event.cursor }),
    clientId: t.exposeID('clientId'),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'JSON for application/json (or a body without content type that parses), a string for text/*, else base64.',
      resolve: (heard) => {
        const message = messageOf(heard)
        return message ? dataOf(message) : null
      },
      extensions: {
        jsonOf: (heard) => {
          const message = messageOf(heard)
          return message && decodeBody(message).json
        },
      } satisfies PrintedField<DeliveredEvent>,
    }),
    type: t.string({ nullable: true, resolve: (heard) => messageOf(heard)?.properties.type }),
    contentType: t.string({
      nullable: true,
      resolve: (heard) => {
        const message = messageOf(heard)
        return message ? decodeBody(message).contentType : null
      },
    }),
    messageId: t.string({ nullable: true, resolve: (heard) => messageOf(heard)?.properties.messageId }),
    headers: t.field({
      type: 'JSON',
      nullable: true,
      resolve: (heard) => {
        const message = messageOf(heard)
        return message ? plainHeaders(message.properties.headers ?? {}) : null
      },
    }),
    exchange: t.string({ nullable: true, resolve: (heard) => messageOf(heard)?.exchange }),
    routingKey: t.string({ nullable: true, resolve: (heard) => messageOf(heard)?.routingKey }),
    redelivered: t.boolean({ resolve: (heard) => messageOf(heard)?.redelivered ?? false }),
    publishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: "The message's own timestamp property, where its publisher set one that is a date.",
      resolve: (heard) => toDate(messageOf(heard)?.properties.timestamp),
    }),
    receivedAt: t.field({
      type: 'DateTime',
      resolve: ({ event }) => new Date(event.kind === 'MESSAGE' ? event.message.receivedAt : event.receivedAt),
    }),
    gap: t.field({
      type: ChannelGap,
      nullable: true,
      description: 'Set on a notice: events are missing before this cursor.',
      resolve: ({ event }) => (event.kind === 'GAP' ? event : null),
    }),
  }),
})

/** Returns the JSON text without parsing, which would lose digits and take time. */
function dataOf(message: JournalMessage): unknown {
  const { json } = decodeBody(message)
  return json === 'null' ? null : new JsonText(json)
}
