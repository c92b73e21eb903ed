import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from '@jest/globals'
import type { ConsumeMessage } from 'amqplib'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { debianPackages, installMissing, locate, publisherPackages } from '../../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'
import { recipe } from './recipe-page.ts'

const run = promisify(execFile)
const { kombu, celery, ruby, bunny, amqp091Go, php, phpXml, phpAmqp, ...symfony } = publisherPackages

beforeAll(() => installMissing([debianPackages.go, ...Object.values(publisherPackages)]))

/** A class of the application, which the program of the recipe requires. */
const orderPaid = `<?php
namespace App\\Message;
final class OrderPaid { public function __construct(public int $orderId, public string $clientId) {} }
`

const programs = [
  { title: 'kombu', file: 'publish.py', needs: [kombu], command: () => ['/usr/bin/python3'] },
  { title: 'Celery tasks', file: 'publish.py', needs: [kombu, celery], command: () => ['/usr/bin/python3'] },
  {
    title: 'Symfony Messenger',
    file: 'publish.php',
    needs: [phpXml, phpAmqp, ...Object.values(symfony)],
    command: () => [locate(php)],
  },
  { title: 'bunny', file: 'publish.rb', needs: [bunny], command: () => [locate(ruby)] },
  { title: 'amqp091-go', file: 'publish.go', needs: [amqp091Go], command: () => [locate(debianPackages.go), 'run'] },
]

test.each(programs)('the program for $title publishes the message of the page', async (given) => {
  for (const needed of given.needs) locate(needed)
  const { program, message } = recipe(given.title)
  await using vhost = await testVhost('recipe-program')
  await using connection = await plainConnection(vhost.url)
  const channel = await connection.createChannel()
  // The program uses the exchange as it is, and what it publishes with `mandatory` has a queue.
  await channel.assertExchange(message.exchange, 'topic')
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, message.exchange, '#')
  const published = new Inbox<ConsumeMessage>('messages of the program')
  await channel.consume(queue, (one) => one && published.push(one), { noAck: true })
  const folder = newFolder()
  try {
    writeFileSync(join(folder, given.file), program)
    writeFileSync(join(folder, 'OrderPaid.php'), orderPaid)
    const [command = '', ...args] = given.command()
    // Debian's Go packages are not modules.
    const go = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder, 'cache'), GOFLAGS: '' }
    await run(command, [...args, join(folder, given.file), vhost.url], { env: { ...process.env, ...go } })
  } finally {
    removeFolder(folder)
  }
  expect(shapeOf(await published.next())).toEqual(expected(message))
  expect(published.waiting).toEqual([])
})

/** The message in the form of the page, which leaves out how it is stored and where replies go. */
function shapeOf({ fields, properties, content }: ConsumeMessage): Record<string, unknown> {
  const { contentType, contentEncoding, type, messageId, headers = {} } = properties
  const body: unknown = JSON.parse(content.toString())
  const { exchange, routingKey } = fields
  return { exchange, routingKey, contentType, contentEncoding, type, messageId, headers, body }
}

function expected(message: object): unknown {
  const shown: unknown = JSON.parse(JSON.stringify(message), (_name, value) =>
    value === '…' ? expect.any(String) : value,
  )
  return { headers: {}, ...(shown as object) }
}
