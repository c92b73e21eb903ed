import { copyWireTypes } from '../body/amqp-field-types.ts'
import type { MessageProperties } from '../model/message.ts'
import { repeatedHeader } from './repeated-header.ts'

/**
 * The exchange through which the gateway moves messages of buffered sources into the journal. A
 * buffered source has a queue between its own exchange and the journal. Headers keep what the
 * journal would otherwise lose.
 */
export function bufferedExchange(namespace: string): string {
  return `${namespace}.buffered`
}

/** The exchange of the source. */
const originHeader = 'x-warren-buffered-from'
/**
 * True: the message may have been moved before, by a gateway that stopped before RabbitMQ received
 * its acknowledgement.
 */
const redeliveredHeader = 'x-warren-buffered-again'
/** True: its publisher gave it no message id. */
const noIdHeader = 'x-warren-buffered-no-id'

/** The headers for a message that the gateway moves. */
export function bufferedHeaders(
  { headers, messageId }: MessageProperties,
  exchange: string,
  redelivered: boolean,
): Record<string, unknown> {
  return copyWireTypes(headers ?? {}, {
    ...headers,
    [originHeader]: exchange,
    ...(redelivered ? { [redeliveredHeader]: true } : {}),
    ...(messageId === undefined ? { [noIdHeader]: true } : {}),
  })
}

/**
 * The message as it was before the move. Undefined without `originHeader`: a gateway did not move
 * it.
 */
export function unbuffered(
  properties: MessageProperties,
): { exchange: string; redelivered: boolean; properties: MessageProperties } | undefined {
  if (!properties.headers) return undefined
  const {
    [originHeader]: exchange,
    [redeliveredHeader]: again,
    [repeatedHeader]: repeated,
    [noIdHeader]: noId,
    ...headers
  } = properties.headers
  if (typeof exchange !== 'string') return undefined
  const { messageId, ...others } = properties
  const own = noId === true || messageId === undefined ? others : properties
  return {
    exchange,
    redelivered: again === true || repeated === true,
    properties: { ...own, headers: copyWireTypes(properties.headers, headers) },
  }
}
