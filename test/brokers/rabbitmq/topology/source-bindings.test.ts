import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Channel, ChannelModel } from 'amqplib'
import {
  SourceBindings,
  type SourceBindingsOptions,
} from '../../../../src/brokers/rabbitmq/topology/source-bindings.ts'
import { eventually } from '../../../support/eventually.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { tcpProxy } from '../../../support/network/tcp-proxy.ts'
import { rabbit, type TestVhost, testVhost } from '../../../support/rabbitmq/broker.ts'
import { sourceOn } from '../../test-source.ts'
import { connectionsTo, plainConnection, take } from '../connections.ts'

let vhost: TestVhost
let other: ChannelModel & AsyncDisposable
/** The channel of the program that owns the exchanges. */
let theirs: Channel
let log: Inbox<string>
const open: SourceBindings[] = []

function topology(options: Partial<SourceBindingsOptions> = {}, url = vhost.url) {
  const state = new Inbox<string>('the state of the topology')
  const watch = { onUp: () => state.push('up'), onDown: (reason: string) => state.push(reason) }
  const made = new SourceBindings(connectionsTo(url), watch, {
    queue: 'journal',
    namespace: 'warren',
    log: (_level, text) => log.push(text),
    ...options,
    timings: { rebindMs: 100, queueMs: 20, ...options.timings },
  })
  open.push(made)
  return { topology: made, state }
}

const conflict = (message: string) => ({ code: 'SOURCE_CONFLICT', message: expect.stringContaining(message) })

/** True if its messages are routed into the journal. */
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
  other = await plainConnection(vhost.url)
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
    "uses another program's %s exchange as it is, whatever its arguments",
    async (type, exchangeType, options) => {
      await theirs.assertExchange(`their ${type}`, type, options)
      const source = sourceOn(`their ${type}`, { exchangeType, routingKey: 'key' })
      expect(await topology().topology.bind(source)).toEqual({ declared: false })
      expect(await flows(`their ${type}`, 'key')).toBe(true)
      // It is unchanged: declaring it as before succeeds.
      await theirs.assertExchange(`their ${type}`, type, options)
    },
  )

  test('names the type of an exchange that differs from the source', async () => {
    await theirs.assertExchange('their odd direct', 'direct', { alternateExchange: 'amq.fanout', durable: false })
    await expect(topology().topology.bind(sourceOn('their odd direct'))).rejects.toMatchObject(
      conflict('exchange "their odd direct" is a direct exchange, not topic: set exchangeType: DIRECT'),
    )
  })

  test('names the missing permission', async () => {
    const { port } = new URL(vhost.url)
    await theirs.assertExchange('hidden', 'topic')
    await rabbit.ctl('add_user', 'clerk', 'clerk')
    await rabbit.ctl('set_permissions', '-p', vhost.name, 'clerk', '^warren', '.*', '^(journal|open)')
    const { topology: limited } = topology({}, `amqp://clerk:clerk@127.0.0.1:${port}/${vhost.name}`)
    for (const [buffered, queue] of [
      [false, 'journal'],
      [true, 'warren.buffer.hidden'],
    ] as const) {
      const refused = limited.bind(sourceOn('hidden', { buffered }))
      const message = await refused.then(String, (error: Error) => error.message)
      expect(message).toContain('no permission to bind exchange "hidden"')
      expect(message).toMatch(new RegExp(`grant Warren's RabbitMQ user read on it and write on "${queue}"$`))
    }
    await expect(limited.bind(sourceOn('open to none'))).rejects.toMatchObject(
      conflict(
        'exchange "open to none" does not exist, and Warren\'s RabbitMQ user lacks the permission to declare it',
      ),
    )
    await rabbit.ctl('delete_user', 'clerk')
  })

  test('replaces the binding that release 0.1 left of the default source, and no other', async () => {
    const exchange = 'warren.events'
    for (const name of [exchange, 'their events']) {
      await theirs.assertExchange(name, 'topic')
      await theirs.bindQueue('journal', name, 'client.*')
    }
    const { topology: made, state } = topology()
    const clients = { routingKey: 'client.{clientId#}', clientId: undefined }
    const source = sourceOn(exchange, clients)
    made.keep(source)
    await made.bind(sourceOn('their events', clients))
    expect(await state.next()).toBe('up')
    expect(await flows(exchange, 'client.alice@example.com')).toBe(true)
    // A replica of 0.1 beside this one binds it again and again.
    await theirs.bindQueue('journal', exchange, 'client.*')
    await made.unbind(source)
    expect(await flows(exchange, 'client.alice')).toBe(false)
    expect(await flows('their events', 'client.alice')).toBe(true)
  })

  test('binds its sources again on each connection before it reports up', async () => {
    const { topology: made, state } = topology()
    made.keep(sourceOn('kept', { ownsExchange: true }))
    expect(await state.next()).toBe('up')
    expect(await flows('kept', 'k')).toBe(true)
    await theirs.deleteExchange('kept')
    await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
    expect(await take(state, 2)).toEqual([expect.stringContaining('a test'), 'up'])
    other = await plainConnection(vhost.url)
    theirs = await other.createChannel()
    expect(await flows('kept', 'k')).toBe(true)
    expect(log.waiting).toEqual([
      'exchange "kept" did not exist and has been declared',
      'exchange "kept" was missing and has been declared again',
    ])
  })

  test('binds a source that is created again while a connection begins, before it reports up', async () => {
    const first = sourceOn('again', { ownsExchange: true, createdAt: new Date(1) })
    const second = sourceOn('again', { ownsExchange: true, createdAt: new Date(2) })
    const { topology: made, state } = topology({
      timings: { rebindMs: 60_000 },
      log: (_level, text) => {
        if (text.includes('has been declared')) made.keep(second)
      },
    })
    made.keep(first)
    expect(await state.next()).toBe('up')
    // Another replica reads that the first one was deleted.
    await topology().topology.unbind(first)
    expect(await flows('again', 'k')).toBe(true)
  })

  test('binds a kept source to an exchange of another type, and logs it once', async () => {
    await theirs.assertExchange('of another type', 'fanout')
    await theirs.assertExchange('of this type', 'topic', { durable: false })
    const { topology: made, state } = topology()
    made.keep(sourceOn('of this type'))
    made.keep(sourceOn('of another type'))
    expect(await state.next()).toBe('up')
    expect(await log.next()).toBe(
      'a source may receive other messages than it declares: exchange "of another type" is a fanout exchange, not topic: set exchangeType: FANOUT',
    )
    expect(await flows('of another type', 'any key')).toBe(true)
    await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
    expect(await take(state, 2)).toEqual([expect.stringContaining('a test'), 'up'])
    other = await plainConnection(vhost.url)
    theirs = await other.createChannel()
    // Its line comes after the second check of the others.
    await theirs.assertExchange('the last', 'direct')
    made.keep(sourceOn('the last'))
    expect(await log.next()).toContain('exchange "the last" is a direct exchange')
  })

  test("waits for another program's missing exchange without delaying the rest, and reports it once", async () => {
    const { topology: made, state } = topology()
    made.keep(sourceOn('theirs to come', { exchangeType: 'DIRECT', routingKey: 'k' }))
    expect(await state.next()).toBe('up')
    await made.bind(sourceOn('another'))
    expect(await log.next()).toBe('a source receives no messages for now: exchange "theirs to come" does not exist')
    await theirs.assertExchange('theirs to come', 'direct', { durable: false })
    expect(await log.next()).toBe('exchange "theirs to come" is bound again')
    expect(await flows('theirs to come', 'k')).toBe(true)
  })

  test('binds everything again from time to time, because an exchange is deleted without notice', async () => {
    const { topology: made } = topology()
    await made.bind(sourceOn('passing'))
    await theirs.deleteExchange('passing')
    expect(await log.next()).toBe('exchange "passing" was missing and has been declared again')
  })

  test('waits for the queue before it reports up, and binds everything again on request', async () => {
    await theirs.deleteQueue('journal')
    const { topology: made, state } = topology()
    made.keep(sourceOn('early', { ownsExchange: true }))
    const { topology: bindings } = topology({ timings: { answerMs: 200 } })
    // Before it is connected, it gives another reason.
    await eventually('the reason', async () => {
      const refusal = await bindings.bind(sourceOn('early')).catch((error: unknown) => error)
      expect(refusal).toMatchObject({ code: 'BROKER_UNAVAILABLE' })
      return (refusal as Error).message.includes('"journal" does not exist yet')
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

  test('leaves no binding behind if RabbitMQ answers after the caller got an error', async () => {
    const url = new URL(vhost.url)
    await using proxy = await tcpProxy(Number(url.port), url.hostname)
    url.port = String(proxy.port)
    const { topology: slow } = topology({ timings: { answerMs: 300 } }, url.href)
    await slow.bind(sourceOn('before'))
    proxy.pause()
    const refusal = { code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('it does not answer') }
    await expect(slow.bind(sourceOn('late'))).rejects.toMatchObject(refusal)
    proxy.resume()
    // Operations run in order, so this one ends after the late one.
    await eventually('an answer', () => slow.unbind(sourceOn('before')).then(() => true))
    await theirs.checkExchange('late')
    expect(await flows('late', 'k')).toBe(false)
    await slow.bind(sourceOn('late'))
    expect(await flows('late', 'k')).toBe(true)
  })

  test('answers in time if RabbitMQ is away', async () => {
    const { topology: away } = topology({ timings: { answerMs: 200 } }, 'amqp://127.0.0.1:1')
    const refusal = { code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('not reachable at 127.0.0.1:1') }
    await expect(away.bind(sourceOn('x'))).rejects.toMatchObject(refusal)
    await expect(away.unbind(sourceOn('x'))).rejects.toMatchObject(refusal)
  })
})
