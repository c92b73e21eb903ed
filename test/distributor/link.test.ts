import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { LinkSession } from '../../src/distributor/amqp/link.ts'
import { onChannel } from '../../src/distributor/amqp/short-lived-channel.ts'
import { rabbit, type TestVhost, testVhost } from '../support/rabbitmq.ts'
import { tcpProxy } from '../support/tcp-proxy.ts'
import { stranger, take, watchLink } from './open.ts'

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

describe('a link', () => {
  test('says up after its user has established what it needs, and nothing when it is closed', async () => {
    const order: string[] = []
    const { link, said } = watchLink([vhost.url], {
      async establish({ connection }) {
        await (await connection.createChannel()).checkExchange('amq.topic')
        order.push('established')
      },
      onUp: () => said.push(order.at(-1) ?? 'too early'),
    })
    expect(await said.next()).toBe('established')
    expect(link.up).toBe(true)
    await link.close()
    expect(link.up).toBe(false)
    expect(said.waiting).toEqual([])
  })

  test('comes back when its connection is closed from the other side, and tells the outage once', async () => {
    let sessions = 0
    const { link, said, retries } = watchLink([vhost.url], {
      async establish() {
        sessions += 1
        if (sessions === 2) throw new Error('not yet')
      },
    })
    await said.next()
    await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
    expect(await take(said, 2)).toEqual([expect.stringMatching(/closed the connection: .*a test/), 'up'])
    expect(retries).toEqual([expect.stringContaining('a test'), expect.stringContaining('not yet')])
    await link.close()
  })

  test('ends a session that its user calls failed, and aborts its signal', async () => {
    const sessions: LinkSession[] = []
    const { link, said } = watchLink([vhost.url], {
      async establish(session) {
        sessions.push(session)
      },
    })
    await said.next()
    sessions[0]?.fail(new Error('the user has had enough'))
    sessions[0]?.fail(new Error('twice'))
    expect(sessions[0]?.signal.aborted).toBe(true)
    expect(await take(said, 2)).toEqual([expect.stringContaining('had enough'), 'up'])
    expect(sessions).toHaveLength(2)
    await link.close()
  })

  test('takes the next node when one is not there', async () => {
    const { link, said } = watchLink(['amqp://127.0.0.1:1', vhost.url])
    expect(await take(said, 2)).toEqual([expect.stringContaining('not reachable'), 'up'])
    await link.close()
  })

  test('can be closed while it connects to something that never answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const connected = once(silent, 'connection')
    const { link, said } = watchLink([`amqp://127.0.0.1:${(silent.address() as AddressInfo).port}`])
    await connected
    await link.close()
    expect(said.waiting).toEqual([])
    silent.close()
  })

  test('says each failure to connect in a sentence of its own, without the password', async () => {
    const http = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
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
        const { link, said } = watchLink([url])
        const sentence = await said.next()
        await link.close()
        return sentence
      }),
    )
    expect(sentences).toEqual(failures.map(([, sentence]) => sentence))
    expect(sentences.join()).not.toMatch(/wr0ng|pa%/)
    http.close()
    await rabbit.ctl('delete_user', 'outsider')
  })

  test('refuses what is no URL of RabbitMQ before it opens anything', () => {
    expect(() => watchLink(['http://localhost'])).toThrow('url: expected amqp: or amqps:, got http:')
    expect(() => watchLink(['amqp://guest:secret%@localhost'])).toThrow(/^(?!.*secret).*password/)
    expect(() => watchLink([])).toThrow('at least one')
  })
})

test('work on a channel of its own has its result also where the connection is lost while the channel is closed', async () => {
  await using proxy = await tcpProxy(rabbit.port)
  await using connection = await stranger(at((url) => (url.port = String(proxy.port))))
  const lost = new Promise((resolve) => connection.on('close', resolve))
  const result = onChannel(connection, async (channel) => {
    await channel.checkExchange('amq.topic')
    proxy.pause()
    // By then the channel's close is on its way.
    setImmediate(() => proxy.cut())
    return 'done'
  })
  await lost
  expect(await result).toBe('done')
})
