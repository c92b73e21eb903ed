import { decodeBody } from '../core/body.ts'
import type { ChannelEvent } from '../core/channel.ts'
import { printCursor } from '../core/cursor.ts'
import { plainHeaders } from '../core/headers.ts'
import type { JournalMessage } from '../core/message.ts'
import { latin1Of } from './fan-out.ts'

const encoded = new WeakMap<ChannelEvent, string>()

/**
 * An event of a channel as JSON, for transports that send all of it: `{"channel":"alice","kind":"message","cursor":"…","data":…}`, in the form that
 * `Outbox.push` takes. What an event lacks is left out. All but the channel is encoded once an event, whoever asks.
 */
export function eventJson(event: ChannelEvent, channel: string): string {
  let members = encoded.get(event)
  if (members === undefined) {
    members = latin1Of(JSON.stringify(membersOf(event)).slice(1))
    encoded.set(event, members)
  }
  return `${channelMember(channel)}${members}`
}

const channelMembers = new Map<string, string>()
/** Past it all are forgotten: they are cheap to make again. */
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

function membersOf(event: ChannelEvent): object {
  const cursor = printCursor(event.cursor)
  if (event.kind === 'CHECKPOINT') return { kind: 'checkpoint', cursor, receivedAt: new Date(event.receivedAt) }
  if (event.kind === 'GAP') {
    const gap = { reason: event.reason, oldest: event.oldest && printCursor(event.oldest), dropped: event.dropped }
    return { kind: 'gap', cursor, gap, receivedAt: new Date(event.receivedAt) }
  }
  return { kind: 'message', cursor, ...messageMembers(event.message), traceparent: event.traceparent }
}

function messageMembers(message: JournalMessage): object {
  const { exchange, routingKey, redelivered, receivedAt, properties } = message
  const { data, contentType } = decodeBody(message)
  const { type, messageId, timestamp, headers } = properties
  return {
    data,
    type,
    contentType: contentType ?? undefined,
    messageId,
    headers: headers && plainHeaders(headers),
    exchange,
    routingKey,
    redelivered: redelivered || undefined,
    publishedAt: timestamp === undefined ? undefined : dateOf(timestamp),
    receivedAt: new Date(receivedAt),
  }
}

/** A timestamp beyond what a Date holds is the publisher's slip, and says nothing. */
function dateOf(milliseconds: number): Date | undefined {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? undefined : date
}
