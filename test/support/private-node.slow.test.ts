import { expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { privateRabbit } from './rabbitmq/broker.ts'

test('a private node keeps durable queues and streams when it is killed right after its start', async () => {
  const node = await privateRabbit('killed')
  try {
    const streamArguments = { 'x-queue-type': 'stream' }
    const before = await amqp.connect(node.url())
    before.on('error', () => {})
    const channel = await before.createConfirmChannel()
    channel.on('error', () => {})
    await channel.assertQueue('kept', { durable: true })
    await channel.assertQueue('journal', { durable: true, arguments: streamArguments })
    channel.sendToQueue('kept', Buffer.from('still here'), { persistent: true })
    await channel.waitForConfirms()
    await node.kill()
    await node.start()
    const after = await amqp.connect(node.url())
    const again = await after.createChannel()
    const message = await again.get('kept', { noAck: true })
    await again.assertQueue('journal', { durable: true, arguments: streamArguments })
    await after.close()
    expect(message && message.content.toString()).toBe('still here')
  } finally {
    await node.remove()
  }
})
