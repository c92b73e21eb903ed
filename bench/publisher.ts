/**
 * Publishes `count` messages of `bytes` to one exchange and key as fast as RabbitMQ confirms them.
 * Arguments: url exchange key count bytes.
 */
import { connect } from 'amqplib'

const [url = '', exchange = '', key = '', count = '0', bytes = '200'] = process.argv.slice(2)
const inFlight = 500
const connection = await connect(`${url}?heartbeat=10`, { noDelay: true })
const channel = await connection.createConfirmChannel()
for (let number = 0; number < Number(count); number += 1) {
  const body = JSON.stringify({ number, text: 'x'.repeat(Math.max(0, Number(bytes) - 30)) })
  channel.publish(exchange, key, Buffer.from(body), { contentType: 'application/json', messageId: `m${number}` })
  if (number % inFlight === inFlight - 1) await channel.waitForConfirms()
}
await channel.waitForConfirms()
await connection.close()
