/**
 * Publishes each line of standard input without loss, and prints its id once it is stored:
 *
 *     node examples/publisher/publish-all.mjs warren.events client.alice amqp://localhost [amqp://…] < lines
 */
import process from 'node:process'
import { createInterface } from 'node:readline'
import { CarefulPublisher } from './careful-publisher.mjs'

const inFlight = 500

const [exchange = 'warren.events', routingKey = 'client.alice', ...urls] = process.argv.slice(2)
const publisher = new CarefulPublisher(exchange, ...(urls.length > 0 ? urls : ['amqp://localhost']))
const waiting = new Set()
for await (const line of createInterface({ input: process.stdin })) {
  const stored = publisher.publish(routingKey, line).then((messageId) => {
    waiting.delete(stored)
    console.log(messageId)
  })
  waiting.add(stored)
  if (waiting.size >= inFlight) await Promise.race(waiting)
}
await Promise.all(waiting)
await publisher.close()
