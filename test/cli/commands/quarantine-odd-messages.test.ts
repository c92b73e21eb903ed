import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import { QuarantineQueue } from '../../../src/brokers/rabbitmq/topology/quarantine-queue.ts'
import { quarantineId } from '../../../src/core/quarantine/quarantined-message.ts'
import { eventually } from '../../support/eventually.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { failingBroker, unreadableHeader } from '../../support/rabbitmq/failing-broker.ts'

const run = promisify(execFile)

let vhost: TestVhost
let connection: ChannelModel
beforeAll(async () => {
  vhost = await testVhost('odd-quarantine')
  connection = await amqp.connect(vhost.url)
  const channel = await connection.createChannel()
  await channel.assertQueue('warren.quarantine', { arguments: { 'x-queue-type': 'quorum' } })
  await channel.close()
})
beforeEach(async () => {
  const channel = await connection.createChannel()
  await channel.purgeQueue('warren.quarantine')
  await channel.close()
})
afterAll(async () => {
  await connection.close()
  await vhost.close()
})

async function put(...messages: (amqp.Options.Publish & { body?: string })[]): Promise<void> {
  const channel = await connection.createConfirmChannel()
  for (const { body = '{', ...properties } of messages)
    channel.publish('', 'warren.quarantine', Buffer.from(body), { contentType: 'application/json', ...properties })
  await channel.waitForConfirms()
  await channel.close()
}

const warren = (...args: string[]) => runCommand(['quarantine', ...args], { WARREN_BROKER_URL: vhost.url })

/** amqplib cannot write tables as deep as RabbitMQ accepts them. */
const deepPublisher = `
import pika, sys, threading
sys.setrecursionlimit(1000000)
threading.stack_size(512 * 1024 * 1024)
def publish():
    table = {}
    for _ in range(12000): table = {'n': table}
    with pika.BlockingConnection(pika.URLParameters(sys.argv[1])) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for name in sys.argv[2:]:
            channel.basic_publish('', 'warren.quarantine', b'{', pika.BasicProperties(message_id=name, headers={name: table}))
thread = threading.Thread(target=publish)
thread.start()
thread.join()
`

async function putDeep(...headers: string[]): Promise<void> {
  await run('/usr/bin/python3', ['-c', deepPublisher, vhost.url, ...headers])
}

test('messages that nest too deep for a stack are listed and dropped', async () => {
  await put({ messageId: 'a body', body: '['.repeat(2_000_000) })
  await putDeep('headers', 'x-warren-offset')
  await put({ messageId: 'the last' })
  const { code, stdout, stderr } = await warren('list', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const listed = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; messageId: string })
  expect(listed.map(({ messageId }) => messageId)).toEqual(['a body', 'headers', 'x-warren-offset', 'the last'])
  const dropped = await warren('drop', '--id', ...listed.map(({ id }) => id))
  expect({ code: dropped.code, stderr: dropped.stderr }).toEqual({ code: 0, stderr: '' })
  expect((await warren('list')).stdout).toBe('0 of 0 messages in warren.quarantine\n')
})

test('a message that RabbitMQ cannot deliver ends the list with a sentence, and is kept', async () => {
  await put(
    { messageId: 'first' },
    { messageId: 'unreadable', headers: { [unreadableHeader]: 'yes' } },
    { messageId: 'last' },
  )
  const url = new URL(vhost.url)
  await using broker = await failingBroker(Number(url.port))
  url.port = String(broker.port)
  const { code, stdout, stderr } = await runCommand(['quarantine', 'list'], { WARREN_BROKER_URL: url.href })
  expect(stdout).toMatch(/message id first\n.*\n1 of 3 messages in warren\.quarantine\n$/)
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      '2 messages could not be read: RabbitMQ cannot deliver the first of them over AMQP 0-9-1; delete it with warren quarantine drop --undeliverable, or take it out with a client of AMQP 1.0\n',
  })
  await eventually('all to be in the queue again', async () =>
    (await warren('list')).stdout.endsWith('3 of 3 messages in warren.quarantine\n'),
  )
})

test.each([
  ['republish', ['republish', '--all', '--to-exchange', 'amq.fanout', '--key', 'k'], /published to amq\.fanout k\n$/],
  ['drop', ['drop', '--all', '--yes'], /\n1 message dropped\n$/],
])('%s --all does what it can, and exits with 1 if messages could not be read', async (_name, args, printed) => {
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.fanout', '')
  await put({ messageId: 'first' }, { headers: { [unreadableHeader]: 'yes' } }, { messageId: 'last' })
  const url = new URL(vhost.url)
  await using broker = await failingBroker(Number(url.port))
  url.port = String(broker.port)
  const { code, stdout, stderr } = await runCommand(['quarantine', ...args], { WARREN_BROKER_URL: url.href })
  expect(stdout).toMatch(printed)
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^2 messages could not be read: .+\n$/) })
  await eventually('the other two to be in the queue again', async () =>
    (await warren('list')).stdout.endsWith('2 of 2 messages in warren.quarantine\n'),
  )
  await channel.close()
})

test('a message that RabbitMQ cannot deliver is dropped alone, and those behind it are listed', async () => {
  const bad = { headers: { [unreadableHeader]: 'yes' } }
  await put({ messageId: 'first' }, bad, { messageId: 'between' }, bad, { messageId: 'last' })
  const url = new URL(vhost.url)
  await using broker = await failingBroker(Number(url.port))
  url.port = String(broker.port)
  const through = (...args: string[]) => runCommand(['quarantine', ...args], { WARREN_BROKER_URL: url.href })
  for (let dropped = 0; dropped < 2; dropped += 1)
    expect((await through('drop', '--undeliverable')).stdout).toBe('1 message dropped, which RabbitMQ cannot deliver\n')
  const { stdout, stderr } = await through('list')
  expect(new Set([...stdout.matchAll(/message id (\w+)/g)].map(([, id]) => id))).toEqual(
    new Set(['first', 'between', 'last']),
  )
  expect(stderr).toBe('')
  const again = await through('drop', '--undeliverable')
  expect({ code: again.code, stderr: again.stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('can deliver all messages'),
  })
})

test('also behind more messages than RabbitMQ returns in their order', async () => {
  const before = Array.from({ length: 40 }, (_, n) => `before-${n}`)
  await put(
    ...before.map((messageId) => ({ messageId })),
    { headers: { [unreadableHeader]: 'yes' } },
    { messageId: 'last' },
  )
  const url = new URL(vhost.url)
  await using broker = await failingBroker(Number(url.port))
  url.port = String(broker.port)
  const through = (...args: string[]) => runCommand(['quarantine', ...args], { WARREN_BROKER_URL: url.href })
  // On a busy machine RabbitMQ may still return messages, and the command asks for another try.
  const dropped = await eventually('no other change of the queue', async () => {
    const answer = await through('drop', '--undeliverable')
    return !answer.stderr.includes('have changed meanwhile: try again') && answer
  })
  expect(dropped).toMatchObject({
    code: 0,
    stderr: '',
    stdout: '1 message dropped, which RabbitMQ cannot deliver\n',
  })
  const { stdout, stderr } = await through('list')
  const ids = [...stdout.matchAll(/message id ([\w-]+)/g)].map(([, id]) => id)
  expect([ids.length, new Set(ids), stderr]).toEqual([41, new Set([...before, 'last']), ''])
})

test('a message that can be delivered after all is put back', async () => {
  await put({ messageId: 'first' }, { messageId: 'second' })
  const ids: string[] = []
  const visit = async <Result>(work: (queue: QuarantineQueue) => Promise<Result>): Promise<Result> => {
    const queue = new QuarantineQueue([vhost.url], { namespace: 'warren' })
    try {
      return await work(queue)
    } finally {
      await queue.close()
    }
  }
  await visit((queue) =>
    queue.visit(10, (message) => {
      ids.push(quarantineId(message))
      return Promise.resolve('keep')
    }),
  )
  expect(await visit((queue) => queue.deleteAfter(ids.slice(0, 1)))).toBe(false)
  await expect(visit((queue) => queue.deleteAfter(['another']))).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    message: expect.stringContaining('have changed meanwhile'),
  })
  await eventually('both to be in the queue again', async () =>
    (await warren('list')).stdout.endsWith('2 of 2 messages in warren.quarantine\n'),
  )
})

test('three readers at the same moment all see all messages', async () => {
  const ids = Array.from({ length: 40 }, (_, n) => `m-${n}`)
  await put(...ids.map((messageId) => ({ messageId })))
  const read = async () => {
    const queue = new QuarantineQueue([vhost.url], { namespace: 'warren' })
    const seen: string[] = []
    const { count, unread } = await queue.visit(100, ({ properties }) => {
      seen.push(properties.messageId ?? '')
      return Promise.resolve('keep')
    })
    await queue.close()
    return { count, unread, seen: seen.toSorted() }
  }
  const all = { count: 40, unread: 0, seen: ids.toSorted() }
  expect(await Promise.all([read(), read(), read()])).toEqual([all, all, all])
})
