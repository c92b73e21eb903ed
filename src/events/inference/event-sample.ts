import { jsonBody, UndecodableBody } from '../../core/body/decode-body.ts'
import type { Message, MessageProperties } from '../../core/model/message.ts'
import type { ExchangeType } from '../../core/model/source.ts'

/** A message from which types are inferred. */
export interface EventSample {
  readonly routingKey: string
  readonly properties: Pick<MessageProperties, 'contentType' | 'type' | 'headers'>
  /** The body as `parseJson` returns it; undefined if it is not JSON. */
  readonly body: unknown
}

export interface InferenceOptions {
  readonly exchange: string
  /** Default: a topic exchange. Others get no captures. */
  readonly exchangeType?: ExchangeType
  /** The name of the subscription field. Default: from the exchange. */
  readonly field?: string
  /** Whether comments show values from messages, which may be personal data. Default: true. */
  readonly examples?: boolean
}

/** A body that is labelled as JSON and is not counts as no JSON, as the gateway has it. */
export function sampleOf(message: Message, maxDecodedBytes?: number): EventSample {
  const { routingKey, properties } = message
  try {
    return { routingKey, properties, body: jsonBody(message, maxDecodedBytes) }
  } catch (error) {
    if (error instanceof UndecodableBody) return { routingKey, properties, body: undefined }
    throw error
  }
}
