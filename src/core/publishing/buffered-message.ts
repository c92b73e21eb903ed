import { copyWireTypes } from '../body/amqp-field-types.ts'
import type { MessageProperties } from '../model/message.ts'
import { repeatedHeader } from './repeated-header.ts'

/**
 * A buffered source has a queue between its exchange and the journal. The gateway moves messages
 * from there through one exchange of its own, and says in headers what the journal would otherwise
 * not know.
 */
export function bufferedExchange(namespace: string): string {
  return `${namespace}.buffered`
}

/** The exchange of the source. */
const originHeader = 'x-warren-buffered-from'
/** True: it may have been moved before, by a gateway that ended before RabbitMQ knew. */
const redeliveredHeader = 'x-warren-buffered-again'
/** True: its publisher gave it no message id. */
const noIdHeader = 'x-warren-buffered-no-id'

/** The headers of a message that is moved. */
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
 * What a moved message was before it was moved; undefined without the header, and so not moved by a
 * gateway.
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
