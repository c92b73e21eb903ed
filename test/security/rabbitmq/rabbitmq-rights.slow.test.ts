import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import { parseAddress } from '../../../src/brokers/rabbitmq/connection/address.ts'
import { checkBroker } from '../../../src/brokers/rabbitmq/doctor/check-broker.ts'
import { checkRights } from '../../../src/brokers/rabbitmq/doctor/check-rights.ts'
import { type Names, type Right, rightsOf } from '../../../src/brokers/rabbitmq/doctor/rights.ts'
import { callerOf, createRabbitChannel, listen, publish } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, startGateway } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { rabbit, type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { sharedAddress } from '../../support/rabbitmq/shared-node.ts'

let vhost: TestVhost
let theirs: ChannelModel
beforeAll(async () => {
  vhost = await testVhost('rights')
  theirs = await amqp.connect(vhost.url)
  const channel = await theirs.createChannel()
  await channel.assertExchange('orders', 'topic')
  await channel.close()
})
afterAll(async () => {
  await theirs?.close()
  await vhost?.close()
})

/** The three patterns of the command in docs/guides/operate.md: configure, write, read. */
const [, ...documented] =
  /^rabbitmqctl set_permissions -p \/ warren '(.*)' '(.*)' '(.*)'$/m.exec(
    readFileSync('docs/guides/operate.md', 'utf8'),
  ) ?? []

/** Creates a user with these permissions; its URL. */
async function userWith(name: string, patterns: readonly string[]): Promise<{ url: string } & AsyncDisposable> {
  await rabbit.ctl('add_user', name, 'a-password-of-a-test')
  await rabbit.ctl('set_permissions', '-p', vhost.name, name, ...patterns)
  const url = Object.assign(new URL(vhost.url), { username: name, password: 'a-password-of-a-test' })
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      await rabbit.ctl('delete_user', name)
    },
  }
}

async function publishToOrders(body: string): Promise<void> {
  const channel = await theirs.createConfirmChannel()
  channel.publish('orders', 'order.dora', Buffer.from(body), { contentType: 'application/json' })
  await channel.waitForConfirms()
  await channel.close()
}

test('the documented permissions are enough for everything that a deployment does', async () => {
  await using user = await userWith('warren-least', documented)
  const env = { WARREN_BROKER_URL: user.url, WARREN_LEGACY_ACCESS: 'open' }
  // Each with its own registry, so that what they know of each other came through RabbitMQ.
  await using a = await openGateway({ ...env, WARREN_OPS_PORT: String(await freePort()) })
  await using b = await openGateway(env)
  await eventually('both gateways to be ready', () => a.gateway.up && b.gateway.up)
  const operator = callerOf(a.graphqlUrl, a.operatorToken)

  const input = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'order.{clientId}' }
  await operator(createRabbitChannel, { input })
  const token = await a.clientToken('dora')
  let cursor: string
  {
    await using listener = await listen(b.graphqlSocketUrl, token, { clientId: 'dora' })
    await eventually('the subscription on the other replica', () => b.gateway.hub.size > 0)
    await publishToOrders('{"n":1}')
    await operator(publish, { input: { clientId: 'dora', data: { n: 2 } } })
    const received = await listener.take(2)
    expect(received.map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }])
    cursor = received[0]?.cursor ?? ''
  }
  await publishToOrders('{"n":3}')
  await using resumed = await listen(b.graphqlSocketUrl, token, { clientId: 'dora', after: cursor })
  expect((await resumed.take(2)).map(({ data }) => data)).toEqual([{ n: 2 }, { n: 3 }])

  await publishToOrders('{"n":')
  const quarantine = () => runWarren(['quarantine', 'list', '--json'], { WARREN_BROKER_URL: user.url })
  await eventually('the poison in the quarantine', async () => (await quarantine()).stdout.includes('broken-json'))

  const enter = ({ url }: { url: string }) => connectFrames(`${url.replace('http', 'ws')}/ws?envelope=json`)
  await using here = await enter(a)
  await using there = await enter(b)
  await Promise.all([here.next(), there.next()])
  here.send('to the room')
  expect(await there.nextMatching((frame) => frame.includes('to the room'))).toBeDefined()

  await operator('mutation { revoke(clientId: "dora") }')
  expect(await resumed.closed).toMatchObject({ code: 4292 })

  const queues = (await rabbit.ctl('list_queues', '-p', vhost.name, 'name')).split('\n').sort()
  expect(queues.filter((name) => !/^warren\.(control|room)\.[0-9a-f-]{36}$/.test(name))).toEqual([
    'warren.journal',
    'warren.journal.epoch',
    'warren.quarantine',
  ])
  expect(queues).toHaveLength(7)

  const examined = await runWarren(['doctor', '--json'], {
    WARREN_BROKER_URL: user.url,
    WARREN_PORT: String(await freePort()),
    WARREN_OPS_PORT: 'off',
    WARREN_TCP_PORT: 'off',
  })
  expect(JSON.parse(examined.stdout)).toMatchObject({ ok: true })
  expect(examined.stdout).toContain('has every right that a gateway needs')
})

const literally = (text: string): string => text.replaceAll(/[.[\]+]/g, '\\$&')

const names: Names = {
  namespace: 'warren',
  wsmanagerExchange: 'wsmanager',
  towsmanagerExchange: 'towsmanager',
  sources: ['warren.events', 'orders'],
  hooks: ['warren.presence', 'warren.offline'],
}
/** The id in the names of a replica's own queues. */
const anyId = '[0-9a-f-]+'

describe('the doctor names the one missing permission', () => {
  const rights = [
    ...rightsOf(names, anyId),
    ...['wsmanager', 'towsmanager'].map((name): Right => ({ action: 'configure', kind: 'exchange', name })),
  ]
  const actions = ['configure', 'write', 'read']
  // Queues and exchanges of one name share permissions.
  const missing = new Map(rights.map((right) => [`${right.action} on ${right.name}`, right]))

  test('for each permission that the gateway needs', async () => {
    await using user = await userWith('warren-almost', documented)
    // The exchanges of the plain WebSocket would otherwise be missing.
    const channel = await theirs.createChannel()
    for (const exchange of ['wsmanager', 'towsmanager']) await channel.deleteExchange(exchange)
    await channel.close()
    const connection = await amqp.connect(user.url)
    for (const [what, { action, name }] of missing) {
      const but = literally(name).replace(literally(anyId), '') + (name.endsWith(anyId) ? '' : '$')
      const patterns = documented.map((pattern, index) =>
        actions[index] === action ? `^(?!${but})${pattern}` : pattern,
      )
      await rabbit.ctl('set_permissions', '-p', vhost.name, 'warren-almost', ...patterns)
      const [permissions] = await checkRights({ connection, address: parseAddress(user.url), names })
      expect({ what, ...permissions }).toEqual({
        what,
        check: 'permissions',
        status: 'fail',
        text: expect.stringMatching(new RegExp(`lacks ${action} on ((queue|exchange) "${name}"(, )?)+$`)),
        advice: expect.stringContaining(`rabbitmqctl set_permissions -p '${vhost.name}' 'warren-almost' '`),
      })
    }
    await connection.close()
  })

  test('and prints the command of the documentation', async () => {
    await using user = await userWith('warren-without-rights', ['^$', '^$', '^$'])
    const [, finding] = await checkBroker([user.url], Promise.resolve(names))
    expect(finding?.advice).toBe(
      `rabbitmqctl set_permissions -p '${vhost.name}' 'warren-without-rights' ${documented.map((one) => `'${one}'`).join(' ')}`,
    )
  })
})

test('a control bus that RabbitMQ refuses makes the gateway unready, and is logged once', async () => {
  const refused = async () => {
    const log = await readFile(join(sharedAddress().folder, 'log', `${sharedAddress().nodeName}.log`), 'utf8')
    return log.split("access to exchange 'warren.control'").length - 1
  }
  const before = await refused()
  const withoutControl = documented.map((pattern, index) =>
    index === 1 ? `^(?!warren\\.control$)${pattern}` : pattern,
  )
  await using user = await userWith('warren-mute', withoutControl)
  await using gateway = await startGateway({ env: { WARREN_BROKER_URL: user.url }, ready: false })
  const reasons = await eventually('the reason in /readyz', async () => {
    const text = await (await fetch(`http://127.0.0.1:${gateway.opsPort}/readyz`)).text()
    return /control messages/.test(text) ? text : undefined
  })
  expect(reasons).toContain("access to exchange 'warren.control'")
  // The bus keeps retrying.
  await eventually('RabbitMQ to refuse it several times', async () => (await refused()) > before + 2)
  await gateway.printed(/control messages between replicas are not delivered/)
  expect(gateway.output().match(/control messages between replicas are not delivered/g)).toHaveLength(1)
})
