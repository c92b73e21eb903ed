import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel, type ConsumeMessage } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { callerOf, listen } from '../back-end/graphql-caller.ts'

let vhost: TestVhost
/** The eldest, which publishes the notices. */
let a: GatewayProcess
let b: ReachableGateway
let connection: ChannelModel
let channel: ConfirmChannel
/** What a back end receives. */
const received = new Inbox<ConsumeMessage>('an offline notice')
beforeAll(async () => {
  vhost = await testVhost('offline')
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_OFFLINE: 'on', WARREN_PRESENCE_GRACE: '1s' }
  a = await startGateway({ env })
  b = await openReachable({ ...env, WARREN_DATA_DIR: a.dataDir })
  connection = await amqp.connect(vhost.url)
  channel = await connection.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'warren.offline', 'message.#')
  await channel.consume(queue, (message) => message && received.push(message), { noAck: true })
})
afterAll(async () => {
  await connection.close()
  await b[Symbol.asyncDispose]()
  await a[Symbol.asyncDispose]()
  await vhost.close()
})

async function send(clientId: string, text: string): Promise<void> {
  channel.publish('warren.events', `client.${clientId}`, Buffer.from(JSON.stringify({ text })), {
    contentType: 'application/json',
  })
  await channel.waitForConfirms()
}

async function nextNotice() {
  const { fields, content } = await received.next(60_000)
  const notice = JSON.parse(content.toString()) as Record<'clientId' | 'cursor' | 'after' | 'source', string>
  expect(fields.routingKey).toBe(`message.${notice.clientId}`)
  return notice
}

test('a back end receives one notice a client, also for clients of a replica that was killed', async () => {
  const onB = callerOf(b.graphqlUrl, await testToken({ scope: 'operator' }))
  await eventually('two replicas', async () => {
    const { replicas } = await onB<{ replicas: { state: string }[] }>('{ replicas { state } }')
    return replicas.filter(({ state }) => state === 'SERVING').length === 2
  })
  await using sue = await listen(b.graphqlSocketUrl, await testToken({ sub: 'sue' }), { clientId: 'sue' })
  await using quinn = await listen(a.graphqlSocketUrl, await testToken({ sub: 'quinn' }), { clientId: 'quinn' })
  await send('pia', 'first')
  await send('pia', 'second')
  await send('sue', 'she has a session')
  expect((await sue.next()).data).toEqual({ text: 'she has a session' })

  const first = await nextNotice()
  expect(first).toEqual({
    clientId: 'pia',
    source: expect.stringMatching(/^[0-9a-f]{32}$/),
    exchange: 'warren.events',
    cursor: expect.any(String),
    after: expect.any(String),
    at: expect.any(String),
  })
  const history = 'query H($after: Cursor) { history(clientId: "pia", after: $after) { events { data cursor } } }'
  const { history: page } = await onB<{ history: { events: unknown } }>(history, { after: first.after })
  expect(page.events).toEqual([
    { data: { text: 'first' }, cursor: first.cursor },
    { data: { text: 'second' }, cursor: expect.any(String) },
  ])

  await eventually('the other replica to know of the notice', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${b.opsPort}/metrics`)).text()
    return metrics.includes('\nwarren_offline_quiet_clients 1\n')
  })
  await a.kill()
  await quinn.closed
  // Its session was on the killed replica, and no replica knows yet that it is gone.
  await send('quinn', 'while she seemed connected')
  await send('pia', 'third')
  expect(await nextNotice()).toMatchObject({ clientId: 'quinn' })
  await send('rita', 'the last one')
  expect(await nextNotice()).toMatchObject({ clientId: 'rita' })
  expect(received.waiting).toEqual([])
})
