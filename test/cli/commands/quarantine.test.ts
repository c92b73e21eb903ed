import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type GetMessage } from 'amqplib'
import { describe as printed, quarantined } from '../../../src/cli/commands/quarantined-message.ts'
import { original } from '../../../src/core/quarantine/quarantined-message.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, testToken } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

let vhost: TestVhost
let gateway: ReachableGateway
let listener: GraphqlClient
let back: ChannelModel
beforeAll(async () => {
  vhost = await testVhost('quarantine')
  gateway = await openReachable({ WARREN_BROKER_URL: vhost.url })
  // The gateway decodes a body only if the client has a subscriber.
  listener = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'alice' }) },
  })
  const subscription = listener.subscribe('subscription { channel(clientId: "alice", checkpoints: true) { kind } }')
  await subscription.next()
  back = await amqp.connect(vhost.url)
})
afterAll(async () => {
  await back?.close()
  await listener?.[Symbol.asyncDispose]()
  await gateway?.[Symbol.asyncDispose]()
  await vhost?.close()
})

interface Shown {
  readonly id: string
  readonly [name: string]: unknown
}

const warren = (...args: string[]) => runCommand(['quarantine', ...args], { WARREN_BROKER_URL: vhost.url })

async function list(...args: string[]): Promise<Shown[]> {
  const { code, stdout, stderr } = await warren('list', '--json', ...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Shown)
}

/** Publishes poison; resolves when the gateway has moved all of it to the quarantine. */
async function poison(bodies: readonly (string | Buffer)[], options: amqp.Options.Publish = {}): Promise<void> {
  const channel = await back.createConfirmChannel()
  const before = (await channel.checkQueue('warren.quarantine')).messageCount
  for (const body of bodies) {
    channel.publish('warren.events', 'client.alice', Buffer.from(body), { contentType: 'application/json', ...options })
  }
  await channel.waitForConfirms()
  await eventually('all poison to be in the quarantine', async () => {
    return (await channel.checkQueue('warren.quarantine')).messageCount === before + bodies.length
  })
  await channel.close()
}

/** Runs `drop --all` at a terminal, and answers its question. */
async function atTerminal(answer: string): Promise<{ code: number; output: string }> {
  const command = `${process.execPath} dist/program/main.js quarantine drop --all`
  const env = { PATH: process.env['PATH'], WARREN_BROKER_URL: vhost.url }
  // Of util-linux. It makes the terminal, and exits with the status of the command.
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (!output.includes('[y/N]') && (output + text).includes('[y/N]')) child.stdin.write(`${answer}\n`)
    output += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, output }
}

/** A queue of another consumer of the exchange. */
async function bystander(exchange: string, key: string) {
  const channel = await back.createChannel()
  await channel.assertExchange(exchange, 'topic')
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, key)
  return {
    async take(): Promise<GetMessage | undefined> {
      return (await channel.get(queue, { noAck: true })) || undefined
    },
    close: () => channel.close(),
  }
}

async function empty(): Promise<void> {
  const channel = await back.createChannel()
  await channel.purgeQueue('warren.quarantine')
  await channel.close()
}

describe('warren quarantine', () => {
  test('lists the messages in order, as often as it runs, and removes none', async () => {
    await poison(['{"first', '{"a tab\t and an escape \u001b[2J', Buffer.from([0x7b, 0xff, 0x00])], {
      messageId: 'm-1',
      timestamp: 1_700_000_000,
    })
    const shown = await list()
    expect(shown).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{10}$/),
        reason: 'broken-json',
        field: null,
        pointer: null,
        exchange: 'warren.events',
        routingKey: 'client.alice',
        receivedAt: expect.stringMatching(/^20\d\d-.*Z$/),
        publishedAt: '2023-11-14T22:13:20.000Z',
        bytes: 7,
        messageId: 'm-1',
        contentType: 'application/json',
        body: '{"first',
      },
      expect.objectContaining({ body: '{"a tab\\t and an escape \\u{1b}[2J' }),
      expect.objectContaining({ bytes: 3, body: '{\\xff\\x00' }),
    ])
    expect(await list()).toEqual(shown)
    expect(await list('--limit', '1')).toEqual(shown.slice(0, 1))
    const { stdout } = await warren('list', '--limit', '2')
    expect(stdout).toContain(`${shown[0]?.id}  broken-json  warren.events client.alice  `)
    expect(stdout).toMatch(/\n2 of 3 messages in warren\.quarantine\n$/)
    expect(stdout).not.toContain('\u001b')
    await empty()
  })

  test('lists them oldest first, also when RabbitMQ has returned more than 32 in another order', async () => {
    const bodies = Array.from({ length: 40 }, (_, number) => `{"number ${number}`)
    await poison(bodies)
    for (let times = 0; times < 3; times += 1) expect((await list()).map(({ body }) => body)).toEqual(bodies)
    expect((await list('--limit', '2')).map(({ body }) => body)).toEqual(bodies.slice(0, 2))
    await empty()
  })

  test('republishes one message unchanged to its exchange, and keeps the others', async () => {
    const taker = await bystander('warren.events', '#')
    const headers = { colour: 'red', 'x-warren-note': 'ours' }
    await poison(['{"one'], { messageId: 'm-1', type: 'order', correlationId: 'c', headers, priority: 3 })
    await poison(['{"two'], { messageId: 'm-2' })
    for (const _ of [1, 2]) await taker.take()
    const [one] = await list()
    const { code, stdout } = await warren('republish', '--id', one?.id ?? '')
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${one?.id}  published to warren.events client.alice\n` })
    const again = await eventually('the message to arrive', () => taker.take())
    expect(again.content.toString()).toBe('{"one')
    expect(again.fields).toMatchObject({ exchange: 'warren.events', routingKey: 'client.alice' })
    expect(again.properties).toMatchObject({
      contentType: 'application/json',
      messageId: 'm-1',
      type: 'order',
      correlationId: 'c',
      priority: 3,
      headers: { colour: 'red' },
    })
    // It is still poison, so the gateway has quarantined it again, behind the other.
    const now = await eventually('the poison to be quarantined again', async () => {
      const shown = await list()
      return shown.length === 2 && shown
    })
    expect(now.map(({ body }) => body)).toEqual(['{"two', '{"one'])
    await taker.close()
    await empty()
  })

  test('republishes all messages to another exchange, in order', async () => {
    const taker = await bystander('repairs', 'broken.#')
    const bodies = Array.from({ length: 30 }, (_, n) => `{"${n}`)
    await poison(bodies)
    const { code } = await warren('republish', '--all', '--to-exchange', 'repairs', '--key', 'broken.json')
    expect(code).toBe(0)
    const taken: string[] = []
    for (let got = await taker.take(); got; got = await taker.take()) taken.push(got.content.toString())
    expect(taken).toEqual(bodies)
    expect(await list()).toEqual([])
    await taker.close()
  })

  test('keeps what cannot be published, prints why, and exits with 1', async () => {
    await poison(['{"a', '{"b'])
    const [a, b] = await list()
    const nowhere = await warren('republish', '--all', '--to-exchange', 'nowhere', '--key', 'k')
    expect(nowhere.code).toBe(1)
    expect(nowhere.stderr).toContain(`${a?.id}: not republished: exchange: "nowhere" does not exist`)
    expect(nowhere.stderr).toMatch(/\n2 messages could not be published and stayed in the quarantine\n$/)
    const unbound = await warren('republish', '--id', b?.id ?? '', '--to-exchange', 'amq.topic', '--key', 'k')
    expect(unbound).toMatchObject({ code: 1, stderr: expect.stringContaining('is unroutable') })
    expect(await list()).toEqual([a, b])
  })

  test('drops only the named messages, and prints which it has not found', async () => {
    const [a, b] = await list()
    const { code, stdout, stderr } = await warren('drop', '--id', b?.id ?? '', '0000000000')
    expect({ code, stdout }).toEqual({ code: 1, stdout: `${b?.id}  dropped\n` })
    expect(stderr).toBe('--id: not in the quarantine: 0000000000\n')
    expect(await list()).toEqual([a])
    await empty()
  })

  test('drops all messages that are there, in pages, and prints how many', async () => {
    const channel = await back.createConfirmChannel()
    for (let n = 0; n < 1_003; n += 1) channel.publish('', 'warren.quarantine', Buffer.from(`{"${n}`))
    await channel.waitForConfirms()
    await channel.close()
    const { code, stdout, stderr } = await warren('drop', '--all', '--yes')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines).toHaveLength(1_003 + 2)
    expect(lines[0]).toMatch(/^[0-9a-f]{10}  dropped$/)
    expect(lines.at(-2)).toBe('1003 messages dropped')
    expect(await list()).toEqual([])
    expect(await warren('drop', '--all', '--yes')).toEqual({ code: 0, stdout: '0 messages dropped\n', stderr: '' })
  })

  test('asks at a terminal before it drops all messages, and keeps them without a yes', async () => {
    await poison(['{"a', '{"b'])
    const before = await list()
    const question = 'Delete 2 messages of warren.quarantine permanently? [y/N] '
    for (const answer of ['', 'no', 'yours']) {
      const refused = await atTerminal(answer)
      expect(refused).toMatchObject({ code: 1, output: expect.stringContaining(question) })
      expect(refused.output).toMatch(/0 messages dropped\r\n$/)
    }
    expect(await list()).toEqual(before)
    const agreed = await atTerminal('y')
    expect(agreed).toMatchObject({ code: 0, output: expect.stringContaining(question) })
    expect(agreed.output).toMatch(/\r\n2 messages dropped\r\n$/)
    expect(await list()).toEqual([])
  })

  test('lists nothing if no quarantine exists, and reports an unreachable broker', async () => {
    const nothing = await runWarren(['quarantine', 'list', '--namespace', 'other'], { WARREN_BROKER_URL: vhost.url })
    expect(nothing).toEqual({ code: 0, stdout: '0 of 0 messages in other.quarantine\n', stderr: '' })
    const away = await runCommand(['quarantine', 'list'], { WARREN_BROKER_URL: 'amqp://127.0.0.1:9' })
    expect(away).toMatchObject({ code: 1, stderr: expect.stringMatching(/^RabbitMQ is not reachable at [^\n]+\n$/) })
    const embedded = await runCommand(['quarantine', 'list'])
    expect(embedded).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^WARREN_BROKER_URL: expected a RabbitMQ [^\n]+\n$/),
    })
  })

  test.each([
    [['list', '--limit', 'x'], /^--limit: expected a whole number above 0, got "x"\n$/],
    [['republish'], /^warren quarantine republish: expected either --all or --id\n$/],
    [['republish', '--all', '--id', 'a'], /expected either --all or --id\n$/],
    [['republish', '--all', '--key', 'a'], /expected --to-exchange and --key together\n$/],
    [['drop'], /^warren quarantine drop: expected one of --id, --all and --undeliverable\n$/],
    [['drop', '--undeliverable', '--id', 'a'], /expected one of --id, --all and --undeliverable\n$/],
    [['drop', '--all', '--id', 'a'], /expected one of --id, --all and --undeliverable\n$/],
    [['drop', '--id', 'a', '--yes'], /^warren quarantine drop: expected --yes only with --all\n$/],
    // The tests have no terminal.
    [['drop', '--all'], /^warren quarantine drop --all: expected --yes, or a terminal on standard input/],
  ])('rejects %j with one line and status 2', async (args, line) => {
    const { code, stdout, stderr } = await warren(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(line)
  })
})

test('republishes messages that expired or had a user id as far as possible', () => {
  const message = {
    exchange: 'warren.quarantine',
    routingKey: 'client.alice',
    body: Buffer.from('{'),
    redelivered: false,
    receivedAt: 0,
    properties: {
      headers: {
        'x-warren-exchange': 'e',
        'x-warren-routing-key': 'k',
        'x-warren-expiration': '60000',
        'x-warren-user-id': 'bob',
      },
    },
  }
  expect(original(message)).toEqual({
    exchange: 'e',
    routingKey: 'k',
    body: message.body,
    properties: { expiration: '60000' },
  })
  expect(quarantined(message)).toMatchObject({ reason: 'unknown', receivedAt: null, messageId: null })
})

test('names the typed field that a message does not fit, and the place', () => {
  const headers = { 'x-warren-reason': 'schema', 'x-warren-field': 'order', 'x-warren-pointer': '/tags/0\u001b' }
  const shown = quarantined({
    exchange: 'warren.quarantine',
    routingKey: 'orders.new',
    body: Buffer.from('{}'),
    redelivered: false,
    receivedAt: 0,
    properties: { headers },
  })
  expect(shown).toMatchObject({ field: 'order', pointer: '/tags/0\u001b' })
  expect(printed(shown)).toContain('  schema  order at "/tags/0\\u{1b}"  ')
})
