import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { latin1Of } from '../../core/body/latin1.ts'
import { isJsonType, isTextType } from '../../core/body/media-type.ts'
import type { Message, MessageProperties } from '../../core/model/message.ts'
import { binaryFrameHeader, textFrameHeader } from '../websocket/frame-writer.ts'

/**
 * What a frame is to the client that gets it. `sent`: its own, confirmed; `other`: another
 * client's; `processed`: from a processor.
 */
export type FrameKind = 'sent' | 'other' | 'processed'

/** `none`: bare frames, as the old manager sent them. `json`: each frame with its kind. */
export type Envelope = 'none' | 'json'

/** One frame of the common room. Each form is encoded once for all clients that get it. */
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
   * A message that another program or replica has published. It is a text frame if its content
   * type is absent, text or JSON and its body is UTF-8, else a binary frame.
   */
  static of({ body, properties }: Message): RoomFrame {
    const { contentType, messageId } = properties
    const isText = contentType === undefined || contentType === '' || isTextType(contentType) || isJsonType(contentType)
    return new RoomFrame(body, !isText || !isUtf8(body), messageId)
  }

  /** For the exchanges. Processors of the old manager expect the raw text as the body. */
  get properties(): MessageProperties {
    return {
      contentType: this.binary ? 'application/octet-stream' : 'text/plain; charset=utf-8',
      messageId: this.id,
      timestamp: Date.now(),
    }
  }

  /** The whole WebSocket frame, in the form that `Outbox.push` takes. */
  encode(kind: FrameKind, envelope: Envelope): string {
    const form = envelope === 'none' ? 'none' : kind
    let encoded = this.#encoded.get(form)
    if (encoded === undefined) {
      encoded = form === 'none' ? this.#bare() : jsonTextFrame(this.#enveloped(form))
      this.#encoded.set(form, encoded)
    }
    return encoded
  }

  #bare(): string {
    const { length } = this.body
    return (this.binary ? binaryFrameHeader(length) : textFrameHeader(length)) + this.body.toString('latin1')
  }

  #enveloped(kind: FrameKind): object {
    return this.binary ? { kind, base64: this.body.toString('base64') } : { kind, text: this.body.toString() }
  }
}

/** A whole text frame of JSON, in the form that `Outbox.push` takes. */
export function jsonTextFrame(value: object): string {
  const json = latin1Of(JSON.stringify(value))
  return textFrameHeader(json.length) + json
}
