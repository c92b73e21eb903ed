import { type DecodedBody, decodeBody } from '../../core/body/decode-body.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import type { Gateway } from '../../core/gateway.ts'
import type { ChannelEvent } from '../../core/model/channel-event.ts'
import { overflowPolicyOf } from '../../core/model/overflow-policy.ts'
import type { AutoAck } from '../../core/positions/position-options.ts'
import { publicationOf } from '../../core/publishing/to-publication.ts'
import { demand, mayPublish } from '../../core/sessions/authorizer.ts'
import type { Session } from '../../core/sessions/session.ts'
import type { GatewayError } from '../../errors.ts'
import type { NamedSubscription } from '../../events/serving/named-events.ts'
import type { ServedSchema } from '../../events/serving/served-schema.ts'
import { EncodingCache } from '../encoding/encoding-cache.ts'
import { eventJson } from '../encoding/event-json.ts'
import type { Outbox } from '../flow/outbox.ts'
import { subscribeByName } from '../flow/subscribe-by-name.ts'
import { textFrameHeader } from '../websocket/frame-writer.ts'
import { type Envelope, jsonTextFrame } from './room-frame.ts'

export interface ChannelParts {
  readonly gateway: Gateway
  readonly namespace: string
  readonly session: Session
  readonly served: ServedSchema
  readonly outbox: Outbox
  readonly envelope: Envelope
  readonly channel: string
  readonly after: string | null
  readonly last: string | null
  readonly every: string | null
  readonly position: string | null
  readonly autoAck: string | null
  readonly checkpoints: boolean
  readonly overflow: string | null
  /** Called once, when the subscription has ended. Undefined: without an error. */
  readonly onEnd: (failure: GatewayError | undefined) => void
}

/**
 * `?channel=`: subscribes to one channel, from a cursor if the client has one, instead of joining
 * the room. Throws what `Session.subscribe` throws.
 */
export function subscribeToChannel(parts: ChannelParts): void {
  const { session, served, outbox, envelope, channel, after, last, every, position, autoAck, checkpoints } = parts
  const options = {
    after,
    last: last === null ? null : Number(last || Number.NaN),
    every,
    position,
    autoAck: autoAck as AutoAck | null,
    checkpoints,
    overflow: overflowPolicyOf(parts.overflow),
  }
  const { subscription, typed } = subscribeByName(session, served, channel, options)
  if (envelope === 'json') outbox.push(jsonTextFrame({ kind: 'joined', channel }))
  subscription.pipe({
    take: (event) => {
      if (!outbox.hasRoom) {
        outbox.whenRoom(subscription)
        return false
      }
      const text = envelope === 'json' ? eventJson(event, channel, typed) : bare(event, typed)
      if (text !== undefined) outbox.push(textFrameHeader(text.length) + text)
      return true
    },
    end: parts.onEnd,
  })
}

/** Moves the position of this connection. Without the envelope nothing answers it. */
export async function ackOn({ session, gateway, envelope, outbox, position }: ChannelParts, cursor: string) {
  const moved = await gateway.positions.ack(session.identity, position, cursor)
  if (envelope === 'json') outbox.push(jsonTextFrame({ kind: 'acked', cursor, moved }))
}

/**
 * Publishes a client's frame on its channel, as a JSON string. Resolves when the broker has
 * confirmed it.
 */
export async function publishOn(parts: ChannelParts, text: string): Promise<void> {
  const { session, gateway, namespace, channel, envelope, outbox } = parts
  const { identity } = session
  demand(mayPublish(identity), identity, 'publish')
  const publication = publicationOf(
    { clientId: channel, data: text },
    { namespace, publisher: identity.clientId ?? '' },
  )
  await gateway.publishAs(identity, publication, session.payer)
  if (envelope === 'json') outbox.push(jsonTextFrame({ kind: 'sent', text, messageId: publication.messageId }))
}

const bareEncodings = new EncodingCache()

/**
 * The data alone: a string as it is, everything else as JSON. Undefined for gaps and checkpoints,
 * which have no data: clients that need them ask for the envelope.
 */
function bare(event: ChannelEvent, typed: NamedSubscription | undefined): string | undefined {
  if (event.kind !== 'MESSAGE') return undefined
  if (typed) {
    const result = typed.resultOf(event)
    return result?.kind === 'value' ? result.json : undefined
  }
  return bareEncodings.get(event) ?? bareEncodings.add(bareTextOf(decodeBody(event.message)), event)
}

function bareTextOf(body: DecodedBody): string {
  const { json } = body
  return json.startsWith('"') ? latin1Of(body.data as string) : json
}
