import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { outageTimings } from '../../src/observability/outage-log.ts'
import { plainConnection } from '../brokers/rabbitmq/connections.ts'
import { eventually } from '../support/eventually.ts'
import { openGateway } from '../support/gateway/gateway-in-process.ts'
import { startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { freePort } from '../support/network/ports.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { privateRabbit, type RabbitNode } from '../support/rabbitmq/broker.ts'
import { callerOf, createRabbitChannel, listen, publish, Refused } from './back-end/graphql-caller.ts'

/**
 * The password of every user of this file, so that the tests can search all output and answers for
 * it.
 */
const password = 'a-pass-that-must-stay-secret'
const wrongPassword = 'another-that-must-stay-secret'
const publishTimeoutMs = 1_000
/** A busy machine takes this long for an answer that waits for nothing, in milliseconds. */
const inHandMs = 15_000
/** Many gateways of one process are asked at the same time. */
const probing = { everyMs: 200 }

let node: RabbitNode
let operator: string

beforeAll(async () => {
  node = await privateRabbit('away')
  const names = ['mallory', 'nomad', 'visitor', 'tenant', 'reader', 'writer', 'collector', 'tailor', 'clerk']
  await define({
    users: names.map((name) => user(name)),
    vhosts: [{ name: 'private' }],
    permissions: [
      permission('mallory'),
      permission('tenant', { configure: '^$' }),
      permission('reader', { write: '^$' }),
      permission('writer', { read: '^$' }),
      permission('collector'),
      permission('tailor'),
      permission('clerk', { configure: '^clerk\\.', write: '^clerk\\.|^amq\\.default$', read: '^clerk\\.' }),
    ],
  })
  operator = await testToken({ scope: 'operator' })
})

afterAll(() => node?.remove())

function urlFor(user: string, secret = password, vhost = '/'): string {
  return `amqp://${user}:${secret}@127.0.0.1:${node.port}/${encodeURIComponent(vhost)}`
}

async function readyz(gateway: { readonly opsPort: number }): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${gateway.opsPort}/readyz`)
  return { status: response.status, text: await response.text() }
}

/** The code and text of a refusal, and how long the answer took. */
async function refusalOf(answer: Promise<unknown>): Promise<{ code?: string; text: string; afterMs: number }> {
  const began = performance.now()
  const error: unknown = await answer.then(
    () => undefined,
    (refusal: unknown) => refusal,
  )
  const afterMs = performance.now() - began
  if (error === undefined) return { text: 'it was not refused', afterMs }
  if (!(error instanceof Refused)) throw error
  return { code: error.code, text: error.message, afterMs }
}

const toAlice = (data: unknown) => ({ input: { clientId: 'alice', data } })
const sourceOn = (exchange: string) => ({ input: { exchange, exchangeType: 'FANOUT', clientId: { everyone: true } } })

/** The format of rabbitmqctl import_definitions. */
interface Definitions {
  readonly users?: readonly { name: string; password: string; tags: string }[]
  readonly vhosts?: readonly { name: string }[]
  readonly permissions?: readonly { user: string; vhost: string; configure: string; write: string; read: string }[]
}

/** One rabbitmqctl command for everything, because each takes a second. */
async function define(definitions: Definitions): Promise<void> {
  const folder = newFolder()
  const file = join(folder, 'definitions.json')
  writeFileSync(file, JSON.stringify(definitions))
  try {
    await node.ctl('import_definitions', file)
  } finally {
    removeFolder(folder)
  }
}

const user = (name: string, secret = password) => ({ name, password: secret, tags: '' })
const permission = (name: string, rights: { configure?: string; write?: string; read?: string } = {}, vhost = '/') => ({
  user: name,
  vhost,
  configure: '.*',
  write: '.*',
  read: '.*',
  ...rights,
})

describe('a fault that an operator must repair', () => {
  /** Each with what the log and `/readyz` must contain, and its repair. */
  const faults = [
    {
      fault: 'a wrong password',
      user: 'mallory',
      secret: wrongPassword,
      expected: /refused user \\?"mallory\\?": wrong user or password/,
    },
    {
      fault: 'a virtual host that does not exist',
      user: 'nomad',
      vhost: 'nowhere',
      expected: /has no virtual host \\?"nowhere\\?"/,
    },
    {
      fault: 'a virtual host that the user may not enter',
      user: 'visitor',
      vhost: 'private',
      expected: /no permission: user \\?"visitor\\?" may not enter the virtual host \\?"private\\?"/,
    },
    {
      fault: 'no permission to configure',
      user: 'tenant',
      expected:
        /lacks the permission to declare it: grant configure|access to queue 'tenant\.[\w.]+' in vhost '\/' refused for user 'tenant'/,
    },
    {
      fault: 'no permission to write',
      user: 'reader',
      expected: /access to (queue|exchange) '[\w.]+' in vhost '\/' refused for user 'reader'/,
    },
    {
      fault: 'no permission to read',
      user: 'writer',
      expected: /access to (queue|exchange) '[\w.]+' in vhost '\/' refused for user 'writer'/,
    },
    {
      fault: 'a classic queue in the place of the journal',
      user: 'collector',
      expected: /queue \\?"collector\.journal\\?" exists in RabbitMQ and is not the stream/,
    },
    {
      fault: 'an exchange of another type in the place of the default one',
      user: 'tailor',
      expected: /exchange \\?"tailor\.events\\?" is a direct exchange, not topic/,
    },
  ] as const
  const gateways = new Map<string, Awaited<ReturnType<typeof openFaulty>>>()
  /** The output of all gateways. Each contains the name of its user. */
  let output = ''
  const write = process.stdout.write.bind(process.stdout)
  const stdout = jest.spyOn(process.stdout, 'write')
  const { againMs } = outageTimings

  async function openFaulty(fault: (typeof faults)[number]) {
    const opsPort = await freePort()
    const gateway = await openGateway({
      WARREN_BROKER_URL: urlFor(
        fault.user,
        'secret' in fault ? fault.secret : password,
        'vhost' in fault ? fault.vhost : '/',
      ),
      WARREN_NAMESPACE: fault.user,
      WARREN_PUBLISH_TIMEOUT: `${publishTimeoutMs}ms`,
      WARREN_OPS_PORT: String(opsPort),
      WARREN_LOG_LEVEL: 'debug',
    })
    const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
    /** The refusals of a source and of a publication, when the reason is known. */
    const answers = async () => {
      await eventually(
        'the reason at /readyz',
        async () => fault.expected.test((await readyz({ opsPort })).text),
        probing,
      )
      // Between two attempts to connect, a call may be answered with the state of another part.
      return eventually(
        'answers with the reason',
        async () => {
          const [made, published] = await Promise.all([
            refusalOf(call(createRabbitChannel, sourceOn(`${fault.user}.more`))),
            refusalOf(call(publish, toAlice(1))),
          ])
          return fault.expected.test(published.text) && ([made, published] as const)
        },
        probing,
      )
    }
    const answered = answers()
    // Its own test checks the result.
    answered.catch(() => {})
    return { ...gateway, opsPort, call, answers: answered }
  }

  beforeAll(async () => {
    // The log has the reasons of an outage's first second, and those of then in each later line: on
    // a busy machine the final reason may come with the second line.
    outageTimings.againMs = 5_000
    stdout.mockImplementation((text) => {
      if (!String(text).startsWith('{"level"')) return write(text)
      output += String(text)
      return true
    })
    await using connection = await plainConnection(node.url())
    const channel = await connection.createChannel()
    await channel.assertQueue('collector.journal', { durable: true })
    await channel.assertExchange('tailor.events', 'direct', { durable: true })
    for (const fault of faults) gateways.set(fault.user, await openFaulty(fault))
  })

  afterAll(async () => {
    await Promise.all([...gateways.values()].map((gateway) => gateway.close()))
    stdout.mockRestore()
    outageTimings.againMs = againMs
  })

  test.each(faults)('$fault is reported in the log and to probes, and every call is answered', async (fault) => {
    const gateway = gateways.get(fault.user)
    if (!gateway) throw new Error('unreachable')
    await eventually(`the log to match ${String(fault.expected)}`, () => fault.expected.test(output))
    await eventually(
      'the reason at /readyz',
      async () => {
        const { status, text } = await readyz(gateway)
        return status === 503 && fault.expected.test(text)
      },
      probing,
    )
    const [made, published] = await gateway.answers
    if (fault.user === 'tailor') {
      // Only the default source is taken.
      expect(made).toMatchObject({ text: 'it was not refused' })
      expect(published).toMatchObject({ code: 'SOURCE_CONFLICT' })
    } else {
      for (const { code } of [made, published]) expect(code).toBe('BROKER_UNAVAILABLE')
      expect(made.text).toMatch(fault.expected)
    }
    expect(published.text).toMatch(fault.expected)
    expect(published.afterMs).toBeLessThan(publishTimeoutMs + inHandMs)
    expect(made.afterMs).toBeLessThan(inHandMs)
    for (const text of [output, (await readyz(gateway)).text, made.text, published.text]) {
      expect(text).not.toContain(password)
      expect(text).not.toContain(wrongPassword)
    }
    expect((await fetch(`http://127.0.0.1:${gateway.opsPort}/livez`)).status).toBe(200)
  })

  test('is distinguished from the others', async () => {
    const sentences = await Promise.all([...gateways.values()].map(async (gateway) => (await readyz(gateway)).text))
    expect(new Set(sentences).size).toBe(faults.length)
  })

  test('is noticed when it is repaired: the same processes serve', async () => {
    await using connection = await plainConnection(node.url())
    const channel = await connection.createChannel()
    await channel.deleteQueue('collector.journal')
    await channel.deleteExchange('tailor.events')
    await define({
      users: [user('mallory', wrongPassword)],
      vhosts: [{ name: 'nowhere' }],
      permissions: [
        permission('nomad', {}, 'nowhere'),
        permission('visitor', {}, 'private'),
        ...['tenant', 'reader', 'writer'].map((name) => permission(name)),
      ],
    })
    for (const [name, gateway] of gateways) {
      await eventually(`${name} to be ready`, async () => (await readyz(gateway)).status === 200, probing)
      const token = await gateway.clientToken('alice')
      await using listener = await listen(gateway.graphqlSocketUrl, token, { clientId: 'alice' })
      await subscribed(gateway.call, 1)
      await gateway.call(publish, toAlice('mended'))
      expect((await listener.next()).data).toBe('mended')
    }
  })
})

describe('a source that RabbitMQ refuses', () => {
  test('is answered with SOURCE_CONFLICT and what to do, and disturbs nothing', async () => {
    await using connection = await plainConnection(node.url())
    const channel = await connection.createChannel()
    await channel.assertExchange('clerk.orders', 'direct', { durable: false })
    await channel.assertExchange('free.for.all', 'fanout')
    await using gateway = await openGateway({ WARREN_BROKER_URL: urlFor('clerk'), WARREN_NAMESPACE: 'clerk' })
    await eventually('the gateway to be ready', () => gateway.gateway.up)
    const call = callerOf(gateway.graphqlUrl, operator)
    const refused = (exchange: string) => refusalOf(call(createRabbitChannel, sourceOn(exchange)))
    const [otherType, foreign, missing] = [
      await refused('clerk.orders'),
      await refused('free.for.all'),
      await refused('new.one'),
    ]
    for (const { code } of [otherType, foreign, missing]) expect(code).toBe('SOURCE_CONFLICT')
    expect(otherType.text).toMatch(/"clerk.orders" is a direct exchange, not fanout: set exchangeType: DIRECT/)
    expect(foreign.text).toMatch(/no permission to bind exchange "free.for.all".*grant/)
    expect(missing.text).toMatch(/"new.one" does not exist.*permission.*grant configure on it, or declare it/)
    expect(gateway.gateway.up).toBe(true)

    await define({ permissions: [permission('clerk')] })
    await using bob = await listen(gateway.graphqlSocketUrl, await testToken({ sub: 'bob' }), { clientId: 'bob' })
    await subscribed(call, 1)
    for (const exchange of ['free.for.all', 'new.one']) {
      // RabbitMQ caches permissions for as long as a channel is open.
      await eventually('the permission', () => call(createRabbitChannel, sourceOn(exchange)))
      channel.publish(exchange, '', Buffer.from(JSON.stringify(exchange)))
      expect((await bob.next()).data).toBe(exchange)
    }
  })
})

describe('RabbitMQ', () => {
  test('may be killed and restarted: clients stay connected, confirmed messages are delivered once, sources stay', async () => {
    const folder = newFolder()
    const opsPort = await freePort()
    const open = () =>
      openGateway({
        WARREN_BROKER_URL: node.url(),
        WARREN_NAMESPACE: 'restart',
        WARREN_PUBLISH_TIMEOUT: '60s',
        WARREN_DATA_DIR: folder,
        WARREN_OPS_PORT: String(opsPort),
      })
    const ready = () =>
      eventually('the gateway to be ready', async () => (await readyz({ opsPort })).status === 200, probing)
    await using gateway = await open()
    await ready()
    const call = callerOf(gateway.graphqlUrl, operator)
    await call(createRabbitChannel, sourceOn('restart.news'))
    const names = Array.from({ length: 20 }, (_, index) => `client-${index}`)
    const clients = await Promise.all(
      names.map(async (name) => listen(gateway.graphqlSocketUrl, await testToken({ sub: name }), { clientId: name })),
    )
    let closed = 0
    for (const client of clients) void client.closed.then(() => (closed += 1))
    await subscribed(call, clients.length)

    // Each client has one publisher, which waits for each confirm and ends on request.
    const confirmed = names.map(() => 0)
    const enough = new AbortController()
    const publishers = Promise.all(
      [0, 1, 2, 3].map(async (publisher) => {
        while (!enough.signal.aborted) {
          for (const [index, clientId] of names.entries()) {
            if (index % 4 !== publisher) continue
            await call(publish, { input: { clientId, data: confirmed[index] } })
            confirmed[index] = (confirmed[index] ?? 0) + 1
          }
        }
      }),
    )
    const all = (atLeast: number) => () => confirmed.every((count) => count >= atLeast)
    await eventually('messages for all clients', all(5))
    await node.kill()
    await eventually('the gateway to notice', async () => (await readyz({ opsPort })).status === 503)
    const before = [...confirmed]
    await node.start()
    await ready()
    await eventually('more messages for all clients', () =>
      confirmed.every((count, index) => count >= (before[index] ?? 0) + 5),
    )
    enough.abort()
    await publishers
    await call(publish, { input: { exchange: 'restart.news', routingKey: '', data: 'the end' } })

    for (const [index, client] of clients.entries()) {
      const count = confirmed[index] ?? 0
      const events = await client.take(count + 1)
      expect(events.map(({ kind, data }) => (kind === 'MESSAGE' ? data : kind))).toEqual([
        ...Array.from({ length: count }, (_, n) => n),
        'the end',
      ])
    }
    expect(closed).toBe(0)

    const sources = '{ rabbitChannels { id exchange } }'
    const known = await call(sources)
    expect(known).toMatchObject({ rabbitChannels: [{ exchange: 'restart.events' }, { exchange: 'restart.news' }] })
    for (const client of clients) await client[Symbol.asyncDispose]()
    await gateway.close()
    await using again = await open()
    await ready()
    const callAgain = callerOf(again.graphqlUrl, operator)
    expect(await callAgain(sources)).toEqual(known)
    await using listener = await listen(again.graphqlSocketUrl, await testToken({ sub: 'alice' }), {
      clientId: 'alice',
    })
    await subscribed(callAgain, 1)
    await callAgain(publish, { input: { exchange: 'restart.news', routingKey: '', data: 'still served' } })
    expect((await listener.next()).data).toBe('still served')
    removeFolder(folder)
  })

  test('may be missing at the start: clients connect and wait, and receive what is published when it is up', async () => {
    const early = { WARREN_BROKER_URL: node.url(), WARREN_NAMESPACE: 'early' }
    {
      await using before = await openGateway(early)
      await callerOf(before.graphqlUrl, operator)(publish, toAlice('long ago'))
      // RabbitMQ finds a place in a stream by the whole second, so a gateway that starts in the
      // same second takes the message for a new one.
      const second = Math.floor(Date.now() / 1000)
      await eventually('the next second', () => Math.floor(Date.now() / 1000) > second)
    }
    await node.stopApp()
    await using gateway = await startGateway({
      ready: false,
      env: {
        WARREN_BROKER_URL: node.url(),
        WARREN_NAMESPACE: 'early',
        WARREN_PUBLISH_TIMEOUT: `${publishTimeoutMs}ms`,
      },
    })
    await gateway.printed(/RabbitMQ is not reachable at 127\.0\.0\.1:\d+: nothing listens there/)
    expect((await fetch(`http://127.0.0.1:${gateway.opsPort}/livez`)).status).toBe(200)
    const { status, text } = await readyz(gateway)
    expect(status).toBe(503)
    expect(text).toMatch(/RabbitMQ is not reachable at 127\.0\.0\.1:\d+: nothing listens there/)

    await using alice = await listen(gateway.graphqlSocketUrl, await testToken({ sub: 'alice' }), { clientId: 'alice' })
    const call = callerOf(gateway.graphqlUrl, operator)
    await subscribed(call, 1)
    expect(await call('{ gateway { broker } }')).toEqual({ gateway: { broker: 'DOWN' } })
    const [published, made] = await Promise.all([
      refusalOf(call(publish, toAlice('too early'))),
      refusalOf(call(createRabbitChannel, sourceOn('early.news'))),
    ])
    for (const { code, text } of [published, made]) {
      expect(code).toBe('BROKER_UNAVAILABLE')
      expect(text).toMatch(/nothing listens there/)
    }
    expect(published.afterMs).toBeGreaterThan(publishTimeoutMs - 50)
    expect(published.afterMs).toBeLessThan(publishTimeoutMs + inHandMs)

    await node.startApp()
    // A back end connects faster than the gateway. Messages published before alice subscribed are
    // not for her.
    await using connection = await plainConnection(node.url())
    const channel = await connection.createConfirmChannel()
    channel.publish('early.events', 'client.alice', Buffer.from('"at once"'))
    await channel.waitForConfirms()
    await gateway.ready()
    await call(publish, toAlice('here I am'))
    for (const data of ['at once', 'here I am']) expect(await alice.next()).toMatchObject({ kind: 'MESSAGE', data })
    expect(await call('{ gateway { broker } }')).toEqual({ gateway: { broker: 'UP' } })
    expect(gateway.output()).not.toContain('guest:guest')
  })
})

/** Resolves when `count` subscriptions are live, because the protocol does not acknowledge them. */
async function subscribed(call: ReturnType<typeof callerOf>, count: number): Promise<void> {
  await eventually(`${count} live subscriptions`, async () => {
    const { gateway } = await call<{ gateway: { subscriptions: number } }>('{ gateway { subscriptions } }')
    return gateway.subscriptions === count
  })
}
