import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import { parse } from 'graphql'
import { eventually } from '../../support/eventually.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

let vhost: TestVhost
let gateway: InProcessGateway
let publisher: ChannelModel
beforeAll(async () => {
  vhost = await testVhost('schema')
  gateway = await openGateway({ WARREN_BROKER_URL: vhost.url })
  await eventually('the gateway to be up', () => gateway.gateway.up)
  publisher = await amqp.connect(vhost.url)
})
afterAll(async () => {
  await publisher?.close()
  await gateway?.[Symbol.asyncDispose]()
  await vhost?.close()
})

const inferSchema = (...args: string[]) => runCommand(['schema', 'infer', ...args], { WARREN_BROKER_URL: vhost.url })

async function publish(exchange: string, routingKey: string, bodies: readonly unknown[]): Promise<void> {
  const channel = await publisher.createConfirmChannel()
  for (const body of bodies) {
    channel.publish(exchange, routingKey, Buffer.from(JSON.stringify(body)), { contentType: 'application/json' })
  }
  await channel.waitForConfirms()
  await channel.close()
}

describe('warren schema infer', () => {
  test('reads what the journal holds of an exchange', async () => {
    await publish(
      'warren.events',
      'client.alice',
      [1, 2, 3].map((id) => ({ id, total: id + 0.5 })),
    )
    const { code, stdout, stderr } = await runWarren(
      ['schema', 'infer', '--exchange', 'warren.events', '--field', 'orders'],
      { WARREN_BROKER_URL: vhost.url },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Read 3 messages\n' })
    expect(parse(stdout)).toBeDefined()
    expect(stdout).toContain('@events(exchange: "warren.events", routingKey: "client.alice")')
    expect(stdout).toContain('  id: ID! # in all 3, such as 1\n  total: Decimal! # in all 3, such as 1.5\n')
    const json = await inferSchema('--exchange', 'warren.events', '--field', 'orders', '--json')
    expect(JSON.parse(json.stdout)).toEqual({ sdl: stdout, messages: 3 })
  })

  test('reads the end of a journal that never rests', async () => {
    const publishing = setInterval(() => void publish('warren.events', 'client.bob', [{ n: 1 }]), 100)
    const since = performance.now()
    const reading = inferSchema('--exchange', 'warren.events', '--key', 'client.alice', '--json')
    const { stdout } = await reading.finally(() => clearInterval(publishing))
    expect(JSON.parse(stdout)).toMatchObject({ messages: 3 })
    // Each of four readings would end at its limit, 15 s.
    expect(performance.now() - since).toBeLessThan(45_000)
  })

  test('reads live messages of an exchange that is no source, and leaves no queue behind', async () => {
    const channel = await publisher.createChannel()
    await channel.assertExchange('sensors', 'fanout')
    const reading = inferSchema('--exchange', 'sensors', '--from', 'live', '--samples', '2', '--no-examples')
    // The command does not print when its queue is bound, so messages are published until it ends.
    const publishing = setInterval(() => void publish('sensors', '', [{ deviceId: 'd-1', celsius: 20.5 }]), 200)
    const { code, stdout } = await reading.finally(() => clearInterval(publishing))
    expect(code).toBe(0)
    expect(stdout).toContain('sensors: Sensor @events(exchange: "sensors", exchangeType: FANOUT)')
    expect(stdout).toContain('  deviceId: ID! # in all 2\n  celsius: Float! # in all 2\n')
    await channel.close()
  })

  test.each<[what: string, args: string[], code: number, message: string]>([
    ['an exchange that does not exist', ['--exchange', 'nowhere'], 1, '--exchange: "nowhere" does not exist'],
    [
      'an exchange without messages',
      ['--exchange', 'amq.topic', '--key', 'a.#'],
      1,
      'holds no message of exchange "amq.topic" with a key that matches "a.#"',
    ],
    ['the default exchange', ['--exchange', ''], 2, '--exchange: expected a name'],
    [
      'an unknown place',
      ['--exchange', 'a', '--from', 'yesterday'],
      2,
      '--from: expected journal or live, got "yesterday"',
    ],
    [
      'too many samples',
      ['--exchange', 'a', '--samples', '10001'],
      2,
      '--samples: expected a whole number from 1 to 10000',
    ],
  ])('refuses %s', async (_what, args, code, message) => {
    const result = await inferSchema(...args)
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' })
    expect(result.stderr).toContain(message)
  })
})
