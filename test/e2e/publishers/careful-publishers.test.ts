import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import { readNumbers } from '../../../bench/leader-change/read-stream.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { debianPackages, locate } from '../../support/processes/debian-package.ts'
import { rabbit, type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

let vhost: TestVhost
let connection: ChannelModel

beforeAll(async () => {
  locate(debianPackages.pika)
  vhost = await testVhost('careful')
  connection = await amqp.connect(vhost.url)
  connection.on('error', () => {})
})

afterAll(async () => {
  await connection?.close()
  await vhost?.close()
})

const programs = [
  {
    name: 'publish_all.py',
    command: (exchange: string, url: string) => [
      '/usr/bin/python3',
      'examples/publisher/publish_all.py',
      '--exchange',
      exchange,
      '--key',
      'order',
      '--url',
      url,
    ],
  },
  {
    name: 'publish-all.mjs',
    command: (exchange: string, url: string) => [
      process.execPath,
      'examples/publisher/publish-all.mjs',
      exchange,
      'order',
      url,
    ],
  },
]

test.each(programs)(
  '$name publishes returned messages and those of a lost channel again, until all are stored',
  async (one) => {
    const exchange = `orders.${one.name}`
    const stream = `stored.${one.name}`
    const channel = await connection.createChannel()
    await channel.assertExchange(exchange, 'topic')
    await channel.deleteQueue(stream)
    await channel.assertQueue(stream, { arguments: { 'x-queue-type': 'stream' } })

    const [program = '', ...args] = one.command(exchange, vhost.url)
    const child = spawn(program, args, { stdio: 'pipe' })
    const stored = new Inbox<string>('ids that are printed as stored')
    const reasons = new Inbox<string>('reasons for publishing again')
    createInterface(child.stdout).on('line', (line) => stored.push(line))
    createInterface(child.stderr).on('line', (line) => reasons.push(line))
    const ended = once(child, 'close')
    let next = 0
    const write = (count: number): void => {
      for (const end = next + count; next < end; next += 1) child.stdin.write(`${next}\n`)
    }

    write(100)
    expect(await reasons.next()).toMatch(/^again: .*(NO_ROUTE|Unroutable)/)
    await channel.bindQueue(stream, exchange, '#')
    for (let n = 0; n < 100; n += 1) await stored.next()

    write(100)
    await stored.next()
    await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
    connection = await amqp.connect(vhost.url)
    write(100)
    child.stdin.end()
    for (let n = 1; n < 200; n += 1) await stored.next()
    expect(await ended).toEqual([0, null])

    // After a return it is open which of the later messages are stored first.
    const held = [...(await readNumbers(connection, stream))].toSorted((a, b) => a - b)
    expect(held).toEqual(Array.from({ length: next }, (_, number) => number))
  },
)
