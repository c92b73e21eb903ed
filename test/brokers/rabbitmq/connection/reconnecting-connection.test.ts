import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { onChannel } from '../../../../src/brokers/rabbitmq/channel/with-channel.ts'
import { Nodes } from '../../../../src/brokers/rabbitmq/connection/node-list.ts'
import {
  type ConnectionSession,
  ReconnectingConnection,
  Unresponsive,
} from '../../../../src/brokers/rabbitmq/connection/reconnecting-connection.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { type TcpProxy, tcpProxy } from '../../../support/network/tcp-proxy.ts'
import { rabbit, type TestVhost, testVhost } from '../../../support/rabbitmq/broker.ts'
import { plainConnection, take, watchConnection } from '../connections.ts'

let vhost: TestVhost
const at = (change: (url: URL) => void) => {
  const url = new URL(vhost.url)
  change(url)
  return url.href
}

beforeAll(async () => {
  vhost = await testVhost('link')
})
afterAll(() => vhost.close())

describe('a reconnecting connection', () => {
  test('reports up after its user has set up what it needs, and nothing after close', async () => {
    const order: string[] = []
    const { reconnecting, reports } = watchConnection([vhost.url], {
      async establish({ connection }) {
        await (await connection.createChannel()).checkExchange('amq.topic')
        order.push('established')
      },
      onUp: () => reports.push(order.at(-1) ?? 'too early'),
    })
    expect(await reports.next()).toBe('established')
    expect(reconnecting.up).toBe(true)
    await reconnecting.close()
    expect(reconnecting.up).toBe(false)
    expect(reports.waiting).toEqual([])
  })

  test('reconnects when the other side closes it, and reports the outage once', async () => {
    let sessions = 0
    const { reconnecting, reports, retries } = watchConnection([vhost.url], {
      async establish() {
        sessions += 1
        if (sessions === 2) throw new Error('not yet')
      },
    })
    await reports.next()
    await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
    expect(await take(reports, 2)).toEqual([expect.stringMatching(/closed the connection: .*a test/), 'up'])
    expect(retries).toEqual([expect.stringContaining('a test'), expect.stringContaining('not yet')])
    await reconnecting.close()
  })

  test('ends a session that its user fails, and aborts its signal', async () => {
    const sessions: ConnectionSession[] = []
    const { reconnecting, reports } = watchConnection([vhost.url], {
      async establish(session) {
        sessions.push(session)
      },
    })
    await reports.next()
    sessions[0]?.fail(new Error('the user has had enough'))
    sessions[0]?.fail(new Error('twice'))
    expect(sessions[0]?.signal.aborted).toBe(true)
    expect(await take(reports, 2)).toEqual([expect.stringContaining('had enough'), 'up'])
    expect(sessions).toHaveLength(2)
    await reconnecting.close()
  })

  test('takes the next node if one is down', async () => {
    const { reconnecting, reports } = watchConnection(['amqp://127.0.0.1:1', vhost.url])
    expect(await take(reports, 2)).toEqual([expect.stringContaining('not reachable'), 'up'])
    await reconnecting.close()
  })

  test('can be closed while it connects to a server that never answers', async () => {
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const connected = once(silent, 'connection')
    const { reconnecting, reports } = watchConnection([`amqp://127.0.0.1:${(silent.address() as AddressInfo).port}`])
    await connected
    await reconnecting.close()
    expect(reports.waiting).toEqual([])
    silent.close()
  })

  test('describes each failure to connect, without the password', async () => {
    const http = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    )
    await once(http, 'listening')
    await rabbit.ctl('add_user', 'outsider', 'pa%ß')
    const { host, port } = new URL(vhost.url)
    const failures: [string, string][] = [
      ['amqp://127.0.0.1:1', 'RabbitMQ is not reachable at 127.0.0.1:1: nothing listens there'],
      [
        'amqp://nowhere.invalid',
        'RabbitMQ is not reachable at nowhere.invalid:5672: the name "nowhere.invalid" cannot be resolved',
      ],
      [at((url) => (url.password = 'wr0ng')), `RabbitMQ at ${host} refused user "guest": wrong user or password`],
      [at((url) => (url.pathname = '/no%20such')), `RabbitMQ at ${host} has no virtual host "no such"`],
      [
        `amqp://outsider:pa%25%C3%9F@127.0.0.1:${port}/${vhost.name}`,
        `no permission: user "outsider" may not enter the virtual host "${vhost.name}" of RabbitMQ at ${host}`,
      ],
      [
        `amqp://127.0.0.1:${(http.address() as AddressInfo).port}`,
        `what listens at 127.0.0.1:${(http.address() as AddressInfo).port} does not answer in AMQP 0-9-1; should the URL begin with amqps:?`,
      ],
      [`amqps://127.0.0.1:${port}`, `TLS with 127.0.0.1:${port} failed: ERR_SSL_WRONG_VERSION_NUMBER`],
    ]
    const sentences = await Promise.all(
      failures.map(async ([url]) => {
        const { reconnecting, reports } = watchConnection([url])
        const sentence = await reports.next()
        await reconnecting.close()
        return sentence
      }),
    )
    expect(sentences).toEqual(failures.map(([, sentence]) => sentence))
    expect(sentences.join()).not.toMatch(/wr0ng|pa%/)
    http.close()
    await rabbit.ctl('delete_user', 'outsider')
  })

  test('refuses an invalid URL before it connects', () => {
    expect(() => watchConnection(['http://localhost'])).toThrow('url: expected amqp: or amqps:, got http:')
    expect(() => watchConnection(['amqp://guest:secret%@localhost'])).toThrow(/^(?!.*secret).*password/)
    expect(() => watchConnection([])).toThrow('at least one')
  })
})

describe('connections to several nodes', () => {
  /** Three proxies as nodes, all before the one shared node. */
  async function threeNodes() {
    const proxies = [await tcpProxy(rabbit.port), await tcpProxy(rabbit.port), await tcpProxy(rabbit.port)]
    const urls = proxies.map(({ port }) => at((url) => (url.port = String(port))))
    const nodes = new Nodes(urls)
    const opened: ReconnectingConnection[] = []
    /** Opens a connection and queues its sessions with their node. */
    const open = (timings = {}) => {
      const sessions = new Inbox<Visit>('sessions of a link')
      const reasons: string[] = []
      const liveness = { checkMs: 20, probeMs: 100, silentMs: 400, ...timings }
      const reconnecting: ReconnectingConnection = new ReconnectingConnection(nodes, {
        purpose: 'test',
        establish: async (session) => {
          const on = proxies.findIndex(({ port }) => port === remotePortOf(session))
          sessions.push({ session, on })
        },
        onRetry: (reason) => reasons.push(reason),
        timings: { firstRetryMs: 10, retryCapMs: 50, closeMs: 60_000, connectMs: 60_000, connectToOneOfManyMs: 2_000 },
        liveness,
      })
      opened.push(reconnecting)
      reconnecting.open()
      return { sessions, reasons, reconnecting }
    }
    const close = async (): Promise<void> => {
      for (const proxy of proxies) proxy.resume()
      await Promise.all(opened.map((reconnecting) => reconnecting.close()))
      await Promise.all(proxies.map((proxy) => proxy.close()))
    }
    return { proxies, nodes, open, [Symbol.asyncDispose]: close }
  }

  const patient = { silentMs: 60_000 }
  const places = async (sessions: Inbox<Visit>, count: number) => (await take(sessions, count)).map(({ on }) => on)

  test('take the node that failed longest ago, and share what they know of failures', async () => {
    await using three = await threeNodes()
    const { sessions } = three.open(patient)
    const visited: number[] = []
    for (let turn = 0; turn < 5; turn += 1) {
      const { on } = await sessions.next()
      visited.push(on)
      ;(three.proxies[on] as TcpProxy).cut()
    }
    expect(visited).toEqual([0, 1, 2, 0, 1])
    // The next connection does not try the failed nodes again.
    expect((await sessions.next()).on).toBe(2)
    expect((await three.open(patient).sessions.next()).on).toBe(2)
  })

  test('do not blame the node for a refused operation', async () => {
    await using three = await threeNodes()
    const one = three.open(patient)
    const { session } = await one.sessions.next()
    session.fail(new Error('the exchange is gone'))
    expect((await one.sessions.next()).on).toBe(1)
    expect((await three.open(patient).sessions.next()).on).toBe(0)
  })

  test('leave a node together when one reports it as unresponsive, without waiting for it', async () => {
    await using three = await threeNodes()
    const [one, other] = [three.open(patient), three.open(patient)]
    const { session, on } = await one.sessions.next()
    expect([on, ...(await places(other.sessions, 1))]).toEqual([0, 0])
    // The node would not answer a close either, and amqplib would wait a minute for it.
    three.proxies[0]?.pause()
    session.fail(new Unresponsive('it confirms nothing'))
    expect([...(await places(one.sessions, 1)), ...(await places(other.sessions, 1))]).toEqual([1, 1])
    expect(other.reasons).toEqual([
      expect.stringMatching(/^RabbitMQ at 127.0.0.1:\d+ is abandoned: it confirms nothing$/),
    ])
  })

  test('move one by one if every node has failed lately', async () => {
    await using three = await threeNodes()
    const [one, other] = [three.open(patient), three.open(patient)]
    for (const expected of [0, 1]) {
      const { session, on } = await one.sessions.next()
      expect(on).toBe(expected)
      expect((await other.sessions.next()).on).toBe(expected)
      session.fail(new Unresponsive('it confirms nothing'))
    }
    const third = await one.sessions.next()
    expect((await other.sessions.next()).on).toBe(2)
    third.session.fail(new Unresponsive('it confirms nothing'))
    expect((await one.sessions.next()).on).toBe(0)
    expect(other.sessions.waiting).toEqual([])
    expect(other.reconnecting.up).toBe(true)
  })

  test('leave a node that stops answering', async () => {
    await using three = await threeNodes()
    const { sessions, reasons } = three.open()
    expect((await sessions.next()).on).toBe(0)
    three.proxies[0]?.pause()
    expect((await sessions.next()).on).toBe(1)
    expect(reasons).toEqual([expect.stringMatching(/is abandoned: it answers nothing$/)])
  })

  test('wait briefly for a node that accepts connections and does not answer', async () => {
    await using three = await threeNodes()
    three.proxies[0]?.pause()
    const { sessions, reasons } = three.open()
    expect((await sessions.next()).on).toBe(1)
    expect(reasons).toEqual([expect.stringMatching(/did not answer within 2 s$/)])
  })

  test('a sibling is on the same node and ends with its session', async () => {
    await using three = await threeNodes()
    const { sessions } = three.open(patient)
    const { session } = await sessions.next()
    const sibling = await session.openSibling('beside')
    expect(three.proxies.map(({ accepted }) => accepted)).toEqual([2, 0, 0])
    const gone = new Promise((resolve) => sibling.connection.on('close', resolve))
    session.fail(new Error('enough'))
    await gone
  })
})

interface Visit {
  readonly session: ConnectionSession
  /** The index of the node. */
  readonly on: number
}

/** The types of amqplib lack the socket. */
function remotePortOf({ connection }: ConnectionSession): number {
  return (connection.connection as unknown as { stream: { remotePort: number } }).stream.remotePort
}

test('work on its own channel keeps its result if the connection is lost while the channel closes', async () => {
  await using proxy = await tcpProxy(rabbit.port)
  await using connection = await plainConnection(at((url) => (url.port = String(proxy.port))))
  const lost = new Promise((resolve) => connection.on('close', resolve))
  const result = onChannel(connection, async (channel) => {
    await channel.checkExchange('amq.topic')
    proxy.pause()
    // By then the channel's close has been sent.
    setImmediate(() => proxy.cut())
    return 'done'
  })
  await lost
  expect(await result).toBe('done')
})
