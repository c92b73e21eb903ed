import { decodeBody } from '../../core/body/decode-body.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import { plainHeaders } from '../../core/body/plain-headers.ts'
import { toDate } from '../../core/body/to-date.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ChannelEvent, CheckpointEvent, GapEvent, MessageEvent } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { JournalMessage } from '../../core/model/message.ts'
import type { NamedSubscription } from '../../events/serving/named-events.ts'
import { EncodingCache } from './encoding-cache.ts'

const encodings = new EncodingCache()

/**
 * An event of a channel as JSON, for transports that send all of its fields:
 * `{"channel":"alice","kind":"message","cursor":"…","data":…}`, in the form that `Outbox.push`
 * takes. Fields without a value are omitted. Everything except the channel is encoded once an event
 * and shared by all subscribers. `typed`: the subscription, if it is to a typed field. Undefined:
 * nothing is sent.
 */
export function eventJson(event: ChannelEvent, channel: string): string
export function eventJson(
  event: ChannelEvent,
  channel: string,
  typed: NamedSubscription | undefined,
): string | undefined
export function eventJson(event: ChannelEvent, channel: string, typed?: NamedSubscription): string | undefined {
  if (typed && event.kind === 'MESSAGE') return typedJson(event, channel, typed)
  const members = encodings.get(event) ?? encodings.add(membersOf(event), event)
  return `${channelMember(channel)}${members}`
}

const typedEncodings = new EncodingCache()

/** The data is what the type of the field has, and nothing else of the message is shown. */
function typedJson(event: MessageEvent, channel: string, typed: NamedSubscription): string | undefined {
  const cached = typedEncodings.get(event, '', typed.variant)
  if (cached !== undefined) return `${channelMember(channel)}${cached}`
  const result = typed.resultOf(event)
  if (!result) return undefined
  const { traceparent } = event
  const start = `"kind":"${result.kind === 'value' ? 'message' : 'invalid'}","cursor":"${printCursor(event.cursor)}",`
  const trace = traceparent === undefined ? '' : `,"traceparent":"${traceparent}"`
  const content =
    result.kind === 'value'
      ? `"data":${result.json}${result.invalid ? `,"invalid":${latin1Of(JSON.stringify(result.invalid))}` : ''}${result.state ? `,${latin1Of(JSON.stringify(result.state).slice(1, -1))}` : ''}`
      : `"error":${latin1Of(JSON.stringify({ message: result.error.message, ...result.error.extensions }))}`
  return `${channelMember(channel)}${typedEncodings.add(`${start}${content}${trace}}`, event, '', typed.variant)}`
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
  if (event.kind === 'CHECKPOINT') {
    const { phase: state, reset } = event.state ?? {}
    return { kind: 'checkpoint', cursor, state, reset: reset || undefined, receivedAt: new Date(event.receivedAt) }
  }
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
