import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { WebSocketServer } from 'ws'
import { connectFrames } from './frames/frames.ts'
import { tcpProxy } from './network/tcp-proxy.ts'
import { openBrowser } from './processes/chromium.ts'
import { rabbit, testVhost } from './rabbitmq/broker.ts'
import { amqpPublish, pikaPublish } from './rabbitmq/third-party.ts'

describe('RabbitMQ', () => {
  test('a virtual host sees nothing that is declared in another one', async () => {
    await using one = await testVhost('one')
    await using two = await testVhost('two')
    const connection = await amqp.connect(one.url)
    await (await connection.createChannel()).assertQueue('mine')
    await connection.close()
    expect(await rabbit.ctl('list_queues', '--vhost', one.name, 'name')).toBe('mine')
    expect(await rabbit.ctl('list_queues', '--vhost', two.name, 'name')).toBe('')
  })

  test('the shared node refuses what would disturb other files', () => {
    expect(() => rabbit.kill()).toThrow('privateRabbit')
  })

  test('publishers in C and Python reach a queue with the given properties', async () => {
    await using vhost = await testVhost('publishers')
    const connection = await amqp.connect(vhost.url)
    const channel = await connection.createChannel()
    await channel.assertExchange('events', 'topic')
    await channel.assertQueue('all')
    await channel.bindQueue('all', 'events', '#')
    const message = {
      exchange: 'events',
      routingKey: 'client.alice',
      contentType: 'application/json',
      headers: { a: 'b=c' },
    }
    await amqpPublish(vhost.url, { ...message, body: '{"from":"C"}' })
    await pikaPublish(vhost.url, { ...message, body: '{"from":"Ünicode"}', type: 'order.created', messageId: 'm1' })
    const first = await channel.get('all', { noAck: true })
    const second = await channel.get('all', { noAck: true })
    await expect(pikaPublish(vhost.url, { ...message, exchange: 'missing', body: '' })).rejects.toThrow('missing')
    await connection.close()
    if (!first || !second) throw new Error('a message is missing')
    expect(first.content.toString()).toBe('{"from":"C"}')
    expect(first.properties).toMatchObject({ contentType: 'application/json', headers: { a: 'b=c' } })
    expect(second.content.toString()).toBe('{"from":"Ünicode"}')
    expect(second.fields.routingKey).toBe('client.alice')
    expect(second.properties).toMatchObject({ type: 'order.created', messageId: 'm1', headers: { a: 'b=c' } })
    expect(second.properties.timestamp).toBeGreaterThan(1_700_000_000)
  })
})

describe('the TCP proxy', () => {
  test('passes nothing and notifies neither side while paused, and forwards the held bytes on resume', async () => {
    const echo = createTcpServer((socket) => socket.on('error', () => {}).pipe(socket))
    echo.listen(0, '127.0.0.1')
    await once(echo, 'listening')
    await using proxy = await tcpProxy((echo.address() as AddressInfo).port)
    const client = connect(proxy.port, '127.0.0.1')
    expect(await answer(client, 'one')).toBe('one')
    proxy.pause()
    client.write('two')
    // A second connection shows that the event loop ran and the paused one could have received.
    const late = connect(proxy.port, '127.0.0.1')
    await once(late, 'connect')
    expect(proxy.connections).toBeGreaterThan(0)
    expect(client.readableLength + client.bytesRead).toBe(3)
    proxy.resume()
    expect(String((await once(client, 'data'))[0])).toBe('two')
    const reset = once(client, 'error')
    proxy.cut()
    expect(String((await reset)[0])).toContain('ECONNRESET')
    late.destroy()
    echo.close()
  })

  test('slows a connection down to the given rate', async () => {
    const echo = createTcpServer((socket) => socket.on('error', () => {}).pipe(socket))
    echo.listen(0, '127.0.0.1')
    await once(echo, 'listening')
    await using proxy = await tcpProxy((echo.address() as AddressInfo).port)
    proxy.slow(20_000)
    const client = connect(proxy.port, '127.0.0.1')
    const start = performance.now()
    client.end(Buffer.alloc(4_000))
    let received = 0
    for await (const chunk of client) received += (chunk as Buffer).length
    expect(received).toBe(4_000)
    expect(performance.now() - start).toBeGreaterThan(200)
    echo.close()
  })
})

test('a frame client misses neither a frame sent with the upgrade nor the reason of a close', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => {
    for (const frame of ['one', 'two', 'three']) socket.send(frame)
    socket.on('message', () => socket.close(4_290, 'slow consumer'))
  })
  await once(server, 'listening')
  await using client = await connectFrames(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect(await client.nextMatching((frame) => frame === 'two')).toBe('two')
  expect(await client.next()).toBe('one')
  expect(await client.next()).toBe('three')
  client.send('go')
  expect(await client.closed).toEqual({ code: 4_290, reason: 'slow consumer' })
  await expect(client.next()).rejects.toThrow('4290 slow consumer')
  server.close()
})

test('the browser shows a page of this machine and records every request to another one', async () => {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<h1>Hello</h1><img src="http://warren.example/pixel.png">')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await using browser = await openBrowser()
  const page = await browser.context.newPage()
  await page.goto(url)
  expect(await page.textContent('h1')).toBe('Hello')
  expect(browser.requests).toContain(url)
  expect(new Set(browser.outside())).toEqual(new Set(['http://warren.example/pixel.png']))
  server.close()
})

async function answer(socket: Socket, text: string): Promise<string> {
  const data = once(socket, 'data')
  socket.write(text)
  return String((await data)[0])
}

test('no earlier file of the worker receives the events of these tests', () => {
  // A global of jest-circus. Each file adds five handlers to the two of jest-circus itself.
  const { [Symbol.for('EVENT_HANDLERS')]: handlers } = globalThis as { [name: symbol]: unknown }
  expect(handlers).toHaveLength(7)
})
