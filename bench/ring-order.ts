/**
 * Whether a consistent-hash exchange of RabbitMQ routes as before after a stop of its node. It is why
 * the journal is not partitioned: docs/guides/deploy.md. `npm run bench:ring -- [--restarts n] [--four]`.
 * `--four`: on the RabbitMQ 4 that the long tests install.
 */
import { parseArgs } from 'node:util'
import { connect } from 'amqplib'
import { eventually } from '../test/support/eventually.ts'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'
import { rabbitMq4 } from '../test/support/rabbitmq/rabbitmq-4.ts'

const { values } = parseArgs({
  options: { restarts: { type: 'string', default: '3' }, four: { type: 'boolean', default: false } },
})
const queues = Array.from({ length: 12 }, (_, index) => `ring.${String(index).padStart(2, '0')}`)
const keys = Array.from({ length: 400 }, (_, index) => `client-${index}`)
const exchange = 'ring'
const root = values.four ? (await rabbitMq4()).root : undefined
const rabbit = await privateRabbit('ring', root, { plugins: ['rabbitmq_consistent_hash_exchange'] })

/** The queue of each key. */
async function routes(): Promise<ReadonlyMap<string, string>> {
  const connection = await connect(rabbit.url())
  const channel = await connection.createConfirmChannel()
  const arrived = new Map<string, string>()
  for (const queue of queues)
    await channel.consume(queue, (message) => message && arrived.set(message.content.toString(), queue), {
      noAck: true,
    })
  for (const key of keys) channel.publish(exchange, key, Buffer.from(key))
  await channel.waitForConfirms()
  await eventually('every message', () => arrived.size === keys.length)
  await connection.close()
  return arrived
}

try {
  const connection = await connect(rabbit.url())
  const channel = await connection.createChannel()
  await channel.assertExchange(exchange, 'x-consistent-hash', { durable: true })
  for (const queue of queues) {
    await channel.assertQueue(queue, { durable: true })
    await channel.bindQueue(queue, exchange, '1')
  }
  await connection.close()
  const [version] = (await rabbit.ctl('version')).trim().split('\n').slice(-1)
  console.log(`RabbitMQ ${version}, ${queues.length} queues, ${keys.length} routing keys`)
  let before = await routes()
  for (let restart = 1; restart <= Number(values.restarts); restart += 1) {
    await rabbit.restart()
    const after = await routes()
    const moved = keys.filter((key) => before.get(key) !== after.get(key)).length
    console.log(`restart ${restart}: ${moved} keys have another queue`)
    before = after
  }
} finally {
  await rabbit.remove()
}
