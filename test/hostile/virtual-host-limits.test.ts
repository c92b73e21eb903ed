import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { checkBroker } from '../../src/brokers/rabbitmq/doctor/check-broker.ts'
import { Distributor } from '../../src/distributor/distributor.ts'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { openGateway } from '../support/gateway/gateway-in-process.ts'
import { startGateway } from '../support/gateway/gateway-process.ts'
import { rabbit, testVhost } from '../support/rabbitmq/broker.ts'

const names = {
  namespace: 'warren',
  wsmanagerExchange: 'wsmanager',
  towsmanagerExchange: 'towsmanager',
  hooks: ['warren.presence', 'warren.offline'],
  sources: ['warren.events'],
}

const made: string[] = []
afterEach(async () => {
  for (const name of made.splice(0)) await rabbit.ctl('delete_vhost', name)
})

describe('a virtual host with the default queue type', () => {
  test.each(['stream', 'quorum'])('%s has queues of the types that Warren needs', async (type) => {
    const vhost = `${type}-${randomBytes(4).toString('hex')}`
    await rabbit.ctl('add_vhost', vhost, '--default-queue-type', type)
    made.push(vhost)
    await rabbit.ctl('set_permissions', '-p', vhost, 'guest', '.*', '.*', '.*')
    const url = rabbit.url(vhost)
    expect((await checkBroker([url], Promise.resolve(names))).filter(({ status }) => status === 'fail')).toEqual([])

    await using gateway = await openGateway({ WARREN_BROKER_URL: url })
    await eventually('the gateway to be ready', () => gateway.gateway.up)
    await using distributor = new Distributor(url)
    const received = new Inbox<unknown>('what subscribers receive')
    await distributor.subscribe((data) => received.push(data), 'topic')
    await distributor.subscribe((data) => received.push(data), 'topic', { subscriberGroup: 'group' })
    await distributor.publish('a text', 'topic')
    expect([await received.next(), await received.next()]).toEqual(['a text', 'a text'])

    const queues = async () => {
      // list_queues would start an Erlang VM at each attempt.
      const printed = await rabbit.ctl(
        'eval',
        `[io:format("~s\t~s~n", [element(4, amqqueue:get_name(Q)), amqqueue:get_type(Q)]) || Q <- rabbit_amqqueue:list(<<"${vhost}">>)], done.`,
      )
      const lines = printed.split('\n').filter((line) => line.includes('\t'))
      const types = lines.map((line) => line.replace(/\.[0-9a-f-]{36}\t/, '.<id>\t').split('\t'))
      return Object.fromEntries(types) as Record<string, string>
    }
    const expected = {
      'warren.control.<id>': 'rabbit_classic_queue',
      'warren.dead': 'rabbit_quorum_queue',
      'warren.group.group:topic': 'rabbit_quorum_queue',
      'warren.journal': 'rabbit_stream_queue',
      'warren.journal.epoch': 'rabbit_stream_queue',
      'warren.quarantine': 'rabbit_quorum_queue',
      'warren.room.<id>': 'rabbit_classic_queue',
      'warren.subscriber.<id>': 'rabbit_classic_queue',
    }
    await eventually('all queues', async () => Object.keys(await queues()).length === Object.keys(expected).length)
    expect(await queues()).toEqual(expected)
  })
})

test('a limit of queues is named by /readyz, the log and the doctor, with the command that raises it', async () => {
  await using vhost = await testVhost('limited')
  const limit = (queues: number) =>
    rabbit.ctl('set_vhost_limits', '-p', vhost.name, JSON.stringify({ 'max-queues': queues }))
  await limit(2)
  const sentence = 'has reached its limit of 2 queues: raise the limit (rabbitmqctl set_vhost_limits -p'
  await using gateway = await startGateway({ env: { WARREN_BROKER_URL: vhost.url }, ready: false })
  const readyz = async () => (await fetch(`http://127.0.0.1:${gateway.opsPort}/readyz`)).text()
  await eventually('the reason in /readyz', async () => (await readyz()).includes(sentence))
  await eventually('the reason in the log', () => gateway.output().includes(sentence))
  const findings = await checkBroker([vhost.url], Promise.resolve(names))
  expect(findings).toContainEqual({ check: 'queues', status: 'fail', text: expect.stringContaining(sentence) })

  // The doctor prints how many are needed, the lock included, and that number is enough.
  await gateway.stop()
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createChannel()
  for (const queue of ['journal', 'journal.epoch', 'quarantine']) await channel.deleteQueue(`warren.${queue}`)
  await connection.close()
  const needed = await eventually('the doctor to print how many queues are needed', async () => {
    const before = await checkBroker([vhost.url], Promise.resolve(names))
    const text = before.find(({ check }) => check === 'queues')?.text ?? ''
    return Number(/declares (\d+) more/.exec(text)?.[1] ?? 0) || undefined
  })
  await limit(needed)
  await using again = await gateway.again()
  expect(await again.readiness()).toBe(200)
})
