/** Publishes to RabbitMQ what the load generator requests. Arguments: URL, exchange. */
import { connect } from 'amqplib'
import { bodyOf, listenToGenerator, paced, printListening } from '../contestants/source.ts'

const [, , url = '', exchange = ''] = process.argv
const connection = await connect(`${url}?heartbeat=10`, { noDelay: true })
const channel = await connection.createChannel()
await channel.assertExchange(exchange, 'topic', { durable: true })
const control = await listenToGenerator(
  paced((client, sequence, text) => {
    const body = Buffer.from(JSON.stringify(bodyOf(sequence, text)))
    const messageId = `bench-${process.pid}-${process.hrtime.bigint()}`
    channel.publish(exchange, `client.c${client}`, body, { contentType: 'application/json', messageId })
  }),
)
printListening(0, control)
