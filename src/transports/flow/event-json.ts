import { decodeBody } from '../../core/body/decode-body.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import { plainHeaders } from '../../core/body/plain-headers.ts'
import { toDate } from '../../core/body/to-date.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ChannelEvent, CheckpointEvent, GapEvent } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { JournalMessage } from '../../core/model/message.ts'
import { EncodingCache } from './encoding-cache.ts'

const encodings = new EncodingCache()

/**
 * An event of a channel as JSON, for transports that send all of its fields:
 * `{"channel":"alice","kind":"message","cursor":"…","data":…}`, in the form that `Outbox.push`
 * takes. Fields without a value are omitted. Everything except the channel is encoded once an event
 * and shared by all subscribers.
 */
export function eventJson(event: ChannelEvent, channel: string): string {
  const members = encodings.get(event) ?? encodings.add(membersOf(event), event)
  return `${channelMember(channel)}${members}`
}

const channelMembers = new Map<string, string>()
/** When it is reached the map is cleared; its entries are cheap to make again. */
const maxChannelMembers = 10_000

function channelMember(channel: string): string {
  let member = channelMembers.get(channel)
  if (member === undefined) {
    member = latin1Of(`{"channel":${JSON.stringify(channel)},`)
    if (channelMembers.size >= maxChannelMembers) channelMembers.clear()
    channelMembers.set(channel, member)
  }
  return member
}

/** The members of the object, without the opening brace. */
function membersOf(event: ChannelEvent): string {
  if (event.kind !== 'MESSAGE') return latin1Of(JSON.stringify(noticeOf(event)).slice(1))
  const { message, traceparent } = event
  const { json, contentType } = decodeBody(message)
  const rest = printJson({ ...envelopeOf(message, contentType), traceparent }) ?? '{}'
  return `"kind":"message","cursor":"${printCursor(event.cursor)}","data":${json},${latin1Of(rest.slice(1))}`
}

function noticeOf(event: GapEvent | CheckpointEvent): object {
  const cursor = printCursor(event.cursor)
  if (event.kind === 'CHECKPOINT') return { kind: 'checkpoint', cursor, receivedAt: new Date(event.receivedAt) }
  const gap = { reason: event.reason, oldest: event.oldest && printCursor(event.oldest), dropped: event.dropped }
  return { kind: 'gap', cursor, gap, receivedAt: new Date(event.receivedAt) }
}

function envelopeOf(message: JournalMessage, contentType: string | null): object {
  const { exchange, routingKey, redelivered, receivedAt, properties } = message
  const { type, messageId, timestamp, headers } = properties
  return {
    type,
    contentType: contentType ?? undefined,
    messageId,
    headers: headers && plainHeaders(headers),
    exchange,
    routingKey,
    redelivered: redelivered || undefined,
    publishedAt: toDate(timestamp) ?? undefined,
    receivedAt: new Date(receivedAt),
  }
}
