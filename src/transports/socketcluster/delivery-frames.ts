import { decodeBody } from '../../core/body/decode-body.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import { isJsonType, isTextType } from '../../core/body/media-type.ts'
import type { CheckpointEvent, MessageEvent } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { NamedSubscription } from '../../events/serving/named-events.ts'
import { EncodingCache } from '../encoding/encoding-cache.ts'
import { textFrameHeader } from '../websocket/frame-writer.ts'

const plain = 0
const withCursor = 1
/** The data alone, which does not depend on the channel. */
const bare = 2
/** The first variant of typed fields: two for each `NamedSubscription.variant`. */
const typedVariants = 3

/**
 * Encodes an event once for all subscribers of a channel, as a whole frame, in the form that
 * `Outbox.push` takes.
 */
export class DeliveryFrames {
  readonly #encodings = new EncodingCache()

  /**
   * Without `cursor`, the payload is that of the stock server. With it, the payload is
   * `{"cursor":"…","data":…}`.
   */
  frameOf(event: MessageEvent, channel: string, cursor: boolean): string {
    const variant = cursor ? withCursor : plain
    return (
      this.#encodings.get(event, channel, variant) ??
      this.#encodings.add(framed(channel, this.#payloadOf(event, cursor)), event, channel, variant)
    )
  }

  /**
   * As `frameOf`, with the value of a typed field as the data. An event that does not fit the field
   * (`invalid: DELIVER`) has `error` instead of data. Undefined: nothing is sent.
   */
  typedFrameOf(event: MessageEvent, channel: string, cursor: boolean, typed: NamedSubscription): string | undefined {
    const variant = typedVariants + typed.variant * 2 + (cursor ? 1 : 0)
    const cached = this.#encodings.get(event, channel, variant)
    if (cached !== undefined) return cached
    const result = typed.resultOf(event)
    if (!result) return undefined
    const printed = cursor ? `"cursor":"${printCursor(event.cursor)}",` : ''
    const error = () =>
      latin1Of(
        JSON.stringify(result.kind === 'error' ? { message: result.error.message, ...result.error.extensions } : null),
      )
    const payload =
      result.kind === 'error'
        ? `{${printed}"error":${error()}}`
        : cursor
          ? `{${printed}"data":${result.json}${result.state ? `,${latin1Of(JSON.stringify(result.state).slice(1, -1))}` : ''}}`
          : result.json
    return this.#encodings.add(framed(channel, payload), event, channel, variant)
  }

  /**
   * A part of keyed state without a row, for clients that use cursors: an empty state has to empty
   * what they hold, and the end of a state may come without a message.
   */
  stateFrameOf({ cursor, state }: CheckpointEvent, channel: string): string {
    const { phase, reset } = state ?? {}
    const members = {
      cursor: printCursor(cursor),
      data: null,
      checkpoint: true,
      state: phase,
      reset: reset || undefined,
    }
    return framed(channel, JSON.stringify(members))
  }

  #payloadOf(event: MessageEvent, cursor: boolean): string {
    const data = this.#encodings.get(event, '', bare) ?? this.#encodings.add(dataOf(event), event, '', bare)
    return cursor ? `{"cursor":"${printCursor(event.cursor)}","data":${data}}` : data
  }
}

function framed(channel: string, payload: string): string {
  const text = `{"event":"#publish","data":{"channel":${latin1Of(JSON.stringify(channel))},"data":${payload}}}`
  return `${textFrameHeader(text.length)}${text}`
}

/** Binary data in the form that SocketCluster's own codec uses. */
function dataOf(event: MessageEvent): string {
  const { json, contentType } = decodeBody(event.message)
  const isText = contentType === null || isJsonType(contentType) || isTextType(contentType)
  return isText ? json : `{"base64":true,"data":${json}}`
}
