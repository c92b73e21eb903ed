/**
 * A processor of the WebSocket manager, as a separate program: receives each text of a client, and
 * publishes the result for every client.
 *
 *     node --import tsx examples/processor/processor.ts [amqp://localhost] [group]
 *
 * Processors with the same group share the texts; each processor without a group receives all of
 * them. It reconnects by itself.
 */
import { Distributor } from '../../src/index.ts' // yours: 'warren'

const [url = 'amqp://localhost', subscriberGroup = ''] = process.argv.slice(2)
const log = (_level: string, text: string) => console.error(text)

/** Fanout exchanges of the old manager: not durable, bodies are raw text, topics have no meaning. */
const exchange = (name: string) =>
  ({ exchange: { name, type: 'fanout', durable: false }, bodies: 'text', log }) as const
await using sent = new Distributor(url, exchange('wsmanager'))
await using processed = new Distributor(url, exchange('towsmanager'))

await sent.subscribe(
  async (text) => {
    console.log('in ', text)
    const outcome = `${String(text).toUpperCase()} (${subscriberGroup || 'ts'})`
    await processed.publish(outcome, 'processed')
    console.log('out', outcome)
  },
  'sent',
  { subscriberGroup, prefetch: 1 },
)
console.log('listening')
await new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve))
