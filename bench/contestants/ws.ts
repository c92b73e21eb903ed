/**
 * The package ws alone, the limit for JavaScript on it: `prepared` sends all subscribers one
 * buffer, `own` each its own string, as any protocol with operation ids must. The frame has the
 * length of the GraphQL contestants' frames. With `stream`, RabbitMQ's messages come from a stream.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { openSource, openStream, printListening } from './source.ts'

const own = process.argv[3] === 'own'
const open = process.argv[4] === 'stream' ? openStream : openSource

interface Subscriber {
  readonly socket: WebSocket
  readonly head: string
}

const channels = new Map<string, Set<Subscriber>>()
const server = createServer()
new WebSocketServer({ server }).on('connection', (socket, request) => {
  const { searchParams } = new URL(request.url ?? '', 'ws://bench')
  const channel = searchParams.get('channel') ?? ''
  const subscriber = { socket, head: headOf(searchParams.get('id') ?? '') }
  const subscribers = channels.get(channel) ?? new Set()
  channels.set(channel, subscribers.add(subscriber))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    subscribers.delete(subscriber)
    if (subscribers.size === 0) channels.delete(channel)
  })
})

function headOf(id: string): string {
  return `{"id":"${id}","type":"next","payload":{"data":{"channel":{"data":`
}

const anyone = headOf('5f0c1d2e-7a3b-4c4d-8e5f-000000000000')
const control = await open((channel, message) => {
  const subscribers = channels.get(channel)
  if (!subscribers) return
  const tail = `${message.json}}}}}`
  if (own) {
    for (const { socket, head } of subscribers) socket.send(head + tail)
    return
  }
  const prepared = Buffer.from(anyone + tail)
  for (const { socket } of subscribers) socket.send(prepared, { binary: false })
})
server.listen(0, '127.0.0.1', () => printListening((server.address() as AddressInfo).port, control))
