import { type Decodable, jsonBody, maxDecodedBytes } from '../../core/body/decode-body.ts'
import type { EventInput } from '../model/typed-value.ts'
import { type BinaryDecoders, binaryForm, decodeBinary } from './binary-body.ts'

/** A message as typed events read it. The body is decoded once, and only if a place needs it. */
export class MessageInput implements EventInput {
  readonly #message: Decodable
  readonly #printedCursor: () => string
  readonly #decoders: BinaryDecoders
  readonly #maxBytes: number
  #body: { readonly value: unknown } | undefined

  /** `printedCursor` is called at most once a read of `cursor`; the event keeps what it costs. */
  constructor(
    message: Decodable,
    printedCursor: () => string,
    decoders: BinaryDecoders,
    maxBytes: number = maxDecodedBytes,
  ) {
    this.#message = message
    this.#printedCursor = printedCursor
    this.#decoders = decoders
    this.#maxBytes = maxBytes
  }

  get exchange(): string {
    return this.#message.exchange
  }

  get routingKey(): string {
    return this.#message.routingKey
  }

  get properties(): EventInput['properties'] {
    return this.#message.properties
  }

  get redelivered(): boolean {
    return this.#message.redelivered
  }

  get receivedAt(): number {
    return this.#message.receivedAt
  }

  get cursor(): string {
    return this.#printedCursor()
  }

  body(): unknown {
    this.#body ??= { value: this.#decode() }
    return this.#body.value
  }

  #decode(): unknown {
    const { body, properties } = this.#message
    const form = binaryForm(properties.contentType)
    if (form === undefined) return jsonBody(this.#message, this.#maxBytes)
    return decodeBinary(body, properties.contentEncoding, form, this.#decoders, this.#maxBytes)
  }
}
