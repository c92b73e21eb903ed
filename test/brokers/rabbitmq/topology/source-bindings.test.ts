import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Channel, ChannelModel } from 'amqplib'
import { SourceBindings, type TopologyOptions } from '../../../../src/brokers/rabbitmq/topology/source-bindings.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { rabbit, type TestVhost, testVhost } from '../../../support/rabbitmq/broker.ts'
import { sourceOn } from '../../test-source.ts'
import { linksTo, stranger, take } from '../connections.ts'

let vhost: TestVhost
let other: ChannelModel & AsyncDisposable
/** Of the one who made the exchanges and knows nothing of Warren. */
let theirs: Channel
let log: Inbox<string>
const open: SourceBindings[] = []

function topology(options: Partial<TopologyOptions> = {}, url = vhost.url) {
  const state = new Inbox<string>('the state of the topology')
  const watch = { onUp: () => state.push('up'), onDown: (reason: string) => state.push(reason) }
  const made = new SourceBindings(linksTo(url), watch, {
    queue: 'journal',
    namespace: 'warren',
    log: (_level, text) => log.push(text),
    ...options,
    timings: { againMs: 100, queueMs: 20, ...options.timings },
  })
  open.push(made)
  return { topology: made, state }
}

const conflict = (message: string) => ({ code: 'SOURCE_CONFLICT', message: expect.stringContaining(message) })

/** Whether what they publish there flows into the journal. */
async function flows(exchange: string, routingKey: string): Promise<boolean> {
  await theirs.purgeQueue('journal')
  const confirming = await other.createConfirmChannel()
  confirming.publish(exchange, routingKey, Buffer.from('1'))
  await confirming.waitForConfirms()
  await confirming.close()
  return (await theirs.purgeQueue('journal')).messageCount === 1
}

beforeAll(async () => {
  vhost = await testVhost('topology')
})
beforeEach(async () => {
  log = new Inbox('the log')
  other = await stranger(vhost.url)
  theirs = await other.createChannel()
  await theirs.assertQueue('journal')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()))
  await other.close().catch(() => {})
})
afterAll(() => vhost.close())

describe('the topology', () => {
  test.each([
    ['direct', 'DIRECT', { durable: false }],
    ['fanout', 'FANOUT', { autoDelete: true }],
    ['topic', 'TOPIC', { alternateExchange: 'amq.fanout' }],
    ['headers', 'HEADERS', { arguments: { 'x-whose': 'theirs' } }],
  ] as const)(
    "takes somebody else's %s exchange as it is, whatever its arguments",
    async (type, exchangeType, options) => {
      await theirs.assertExchange(`their ${type}`, type, options)
      const source = sourceOn(`their ${type}`, { exchangeType, routingKey: 'key' })
      expect(await topology().topology.bind(source)).toEqual({ declared: false })
      expect(await flows(`their ${type}`, 'key')).toBe(true)
      // It is still theirs: the same declaration as before agrees with it.
      await theirs.assertExchange(`their ${type}`, type, options)
    },
  )

  test('says what type an exchange has that is of another than the source says', async () => {
    await theirs.assertExchange('their odd direct', 'direct', { alternateExchange: 'amq.fanout', durable: false })
    await expect(topology().topology.bind(sourceOn('their odd direct'))).rejects.toMatchObject(
      conflict('exchange "their odd direct" is a direct exchange, not topic: say exchangeType: DIRECT'),
    )
  })

  test('names the permission that is missing', async () => {
    const { port } = new URL(vhost.url)
    await theirs.assertExchange('hidden', 'topic')
    await rabbit.ctl('add_user', 'clerk', 'clerk')
    await rabbit.ctl('set_permissions', '-p', vhost.name, 'clerk', '^warren', '.*', '^(journal|open)')
    const { topology: limited } = topology({}, `amqp://clerk:clerk@127.0.0.1:${port}/${vhost.name}`)
    await expect(limited.bind(sourceOn('hidden'))).rejects.toMatchObject(
      conflict('no permission to bind exchange "hidden"'),
    )
    await expect(limited.bind(sourceOn('open to none'))).rejects.toMatchObject(
      conflict('exchange "open to none" does not exist, and Warren\'s RabbitMQ user lacks the permission to make it'),
    )
    await rabbit.ctl('delete_user', 'clerk')
  })

  test('binds again what is kept, on each connection, before it says up', async () => {
    const { topology: made, state } = topology()
    made.keep(sourceOn('kept', { ownsExchange: true }))
    expect(await state.next()).toBe('up')
    expect(await flows('kept', 'k')).toBe(true)
    await theirs.deleteExchange('kept')
    await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
    expect(await take(state, 2)).toEqual([expect.stringContaining('a test'), 'up'])
    other = await stranger(vhost.url)
    theirs = await other.createChannel()
    expect(await flows('kept', 'k')).toBe(true)
    expect(log.waiting).toEqual(Array(2).fill('exchange "kept" was gone and has been declared again'))
  })

  test("waits for somebody else's exchange that is missing, without holding up anything, and says so once", async () => {
    const { topology: made, state } = topology()
    made.keep(sourceOn('theirs to come', { exchangeType: 'DIRECT', routingKey: 'k' }))
    expect(await state.next()).toBe('up')
    await made.bind(sourceOn('another'))
    expect(await log.next()).toBe('a source receives nothing for now: exchange "theirs to come" is not there')
    await theirs.assertExchange('theirs to come', 'direct', { durable: false })
    expect(await log.next()).toBe('exchange "theirs to come" is bound again')
    expect(await flows('theirs to come', 'k')).toBe(true)
  })

  test('binds everything again from time to time, for an exchange disappears in silence', async () => {
    const { topology: made } = topology()
    await made.bind(sourceOn('passing'))
    await theirs.deleteExchange('passing')
    expect(await log.next()).toBe('exchange "passing" was gone and has been declared again')
  })

  test('waits for the queue before it says up, and binds all again when asked', async () => {
    await theirs.deleteQueue('journal')
    const { topology: made, state } = topology()
    made.keep(sourceOn('early', { ownsExchange: true }))
    const { topology: asked } = topology({ timings: { answerMs: 200 } })
    await expect(asked.bind(sourceOn('early'))).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.stringContaining('"journal" is not there yet'),
    })
    expect(state.waiting).toEqual([])
    await theirs.assertQueue('journal')
    expect(await state.next()).toBe('up')
    expect(await flows('early', 'k')).toBe(true)
    await theirs.deleteQueue('journal')
    await theirs.assertQueue('journal')
    await made.bindAllAgain()
    expect(await flows('early', 'k')).toBe(true)
  })

  test('answers in time when RabbitMQ is away', async () => {
    const { topology: away } = topology({ timings: { answerMs: 200 } }, 'amqp://127.0.0.1:1')
    const refusal = { code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('not reachable at 127.0.0.1:1') }
    await expect(away.bind(sourceOn('x'))).rejects.toMatchObject(refusal)
    await expect(away.unbind(sourceOn('x'))).rejects.toMatchObject(refusal)
  })
})
