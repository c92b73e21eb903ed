import rhea, { type Connection, type Message, type Sender } from 'rhea'

export interface Amqp1Publisher extends AsyncDisposable {
  /** Resolves when RabbitMQ has accepted the message; rejects otherwise. */
  publish(message: Message): Promise<void>
}

/**
 * Publishes to one routing key of an exchange over AMQP 1.0, which RabbitMQ 4 accepts on the same
 * port.
 */
export async function amqp1Publisher(port: number, exchange: string, routingKey: string): Promise<Amqp1Publisher> {
  const connection: Connection = rhea.create_container().connect({
    host: '127.0.0.1',
    port,
    username: 'guest',
    password: 'guest',
    reconnect: false,
  })
  // https://www.rabbitmq.com/docs/amqp#address-v2
  const address = `/exchanges/${encodeURIComponent(exchange)}${routingKey === '' ? '' : `/${encodeURIComponent(routingKey)}`}`
  const sender: Sender = connection.open_sender({ target: { address } })
  await new Promise<void>((resolve, reject) => {
    sender.once('sendable', () => resolve())
    for (const event of ['sender_error', 'connection_error', 'disconnected'])
      connection.once(event, ({ error }) => reject(new Error(`AMQP 1.0: ${event}: ${String(error)}`)))
  })
  const outcomes = new Map<unknown, (outcome: string) => void>()
  for (const outcome of ['accepted', 'rejected', 'released', 'modified'])
    sender.on(outcome, ({ delivery }) => outcomes.get(delivery)?.(outcome))
  return {
    async publish(message) {
      const delivery = sender.send(message)
      const outcome = await new Promise<string>((resolve) => outcomes.set(delivery, resolve))
      outcomes.delete(delivery)
      if (outcome !== 'accepted') throw new Error(`RabbitMQ has ${outcome} the message`)
    },
    async [Symbol.asyncDispose]() {
      if (connection.is_closed()) return
      const closed = new Promise((resolve) => connection.once('connection_close', resolve))
      connection.close()
      await closed
    },
  }
}
