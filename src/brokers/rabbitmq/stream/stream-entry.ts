import type { WindowEntry } from '../../../core/ports/hot-window.ts'
import { bufferedExchange, unbuffered } from '../../../core/publishing/buffered-message.ts'
import type { Delivery } from '../message/delivery-reader.ts'

/**
 * The journal entry of a delivery; undefined if it did not come from a stream. Entries that a
 * gateway published to the stream itself are marks: through the exchange of the stream's name, or
 * through the default exchange, as replicas up to 0.1 do.
 */
export function entryOf(delivery: Delivery, stream: string): WindowEntry | undefined {
  const { streamOffset, exchange, routingKey } = delivery
  if (streamOffset === undefined) return undefined
  const moved = exchange === bufferedExchangeOf(stream) ? unbuffered(delivery.properties) : undefined
  return {
    offset: streamOffset,
    mark: (exchange === '' || exchange === stream) && routingKey === stream,
    exchange: moved ? moved.exchange : exchange,
    routingKey,
    body: delivery.body,
    // RabbitMQ's flag describes this consumer's connection, not the message.
    redelivered: moved ? moved.redelivered : false,
    buffered: moved !== undefined,
    receivedAt: Date.now(),
    decoded: undefined,
    known: undefined,
    outcomes: undefined,
    slot: 0,
    detach: undefined,
    properties: moved ? moved.properties : delivery.properties,
  }
}

const journalSuffix = '.journal'
const bufferedExchanges = new Map<string, string>()

/**
 * Derived from the namespace in the stream's name. Cached, because it is needed for every message.
 */
function bufferedExchangeOf(stream: string): string {
  let name = bufferedExchanges.get(stream)
  if (name === undefined) {
    name = bufferedExchange(stream.endsWith(journalSuffix) ? stream.slice(0, -journalSuffix.length) : stream)
    bufferedExchanges.set(stream, name)
  }
  return name
}
