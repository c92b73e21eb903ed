import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { latin1Of } from '../../core/body/latin1.ts'
import { isJsonType, isTextType } from '../../core/body/media-type.ts'
import type { Message, MessageProperties } from '../../core/model/message.ts'
import { binaryFrameHeader, textFrameHeader } from '../websocket/frame-writer.ts'

/**
 * What a frame is to the one who gets it: its own, confirmed; another client's; what a processor
 * made of one.
 */
export type FrameKind = 'sent' | 'other' | 'processed'

/** How a client wants its frames: bare, as the old manager sent them, or told apart, as JSON. */
export type Envelope = 'none' | 'json'

/** One frame of the common room. Encoded once for all who get it in the same form. */
export class RoomFrame {
  readonly id: string
  readonly body: Buffer
  readonly binary: boolean
  readonly #encoded = new Map<FrameKind | 'none', string>()

  constructor(body: Buffer, binary: boolean, id: string = randomUUID()) {
    this.id = id
    this.body = body
    this.binary = binary
  }

  /**
   * What another program put on an exchange; text unless its content type says otherwise, or it is
   * none.
   */
  static of({ body, properties }: Message): RoomFrame {
    const { contentType, messageId } = properties
    const claimsText =
      contentType === undefined || contentType === '' || isTextType(contentType) || isJsonType(contentType)
    return new RoomFrame(body, !claimsText || !isUtf8(body), messageId)
  }

  /** As processors of the old manager expect it: the raw text. */
  get properties(): MessageProperties {
    return {
      contentType: this.binary ? 'application/octet-stream' : 'text/plain; charset=utf-8',
      messageId: this.id,
      timestamp: Date.now(),
    }
  }

  /** The whole WebSocket frame, as `Outbox.push` takes it. */
  encode(kind: FrameKind, envelope: Envelope): string {
    const form = envelope === 'none' ? 'none' : kind
    let encoded = this.#encoded.get(form)
    if (encoded === undefined) {
      encoded = form === 'none' ? this.#bare() : jsonTextFrame(this.#told(form))
      this.#encoded.set(form, encoded)
    }
    return encoded
  }

  #bare(): string {
    const { length } = this.body
    return (this.binary ? binaryFrameHeader(length) : textFrameHeader(length)) + this.body.toString('latin1')
  }

  #told(kind: FrameKind): object {
    return this.binary ? { kind, base64: this.body.toString('base64') } : { kind, text: this.body.toString() }
  }
}

/** A text frame of JSON, as `Outbox.push` takes it. */
export function jsonTextFrame(value: object): string {
  const json = latin1Of(JSON.stringify(value))
  return textFrameHeader(json.length) + json
}
