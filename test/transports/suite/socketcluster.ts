import { socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { dataIn, nameOf, type ReceivedEvent, Refused, type TransportAdapter } from './adapter.ts'

interface Packet {
  readonly rid?: number
  readonly error?: { readonly name: string }
  readonly event?: string
  readonly data?: {
    readonly cursor: string
    readonly data?: unknown
    readonly channel?: string
    readonly code?: string
  }
}

export const socketCluster: TransportAdapter = {
  name: 'socketcluster',
  async listen({ gateway }, requested) {
    const { token, after, last, every, position, autoAck } = requested
    const client = await connectFrames(socketClusterUrl(gateway.url))
    const events = new Inbox<ReceivedEvent>('an event over SocketCluster')
    const take = ({ event, error, data }: Packet) => {
      if (error) events.end(new Refused(error.name))
      else if (event === '#kickOut') events.end(new Refused(data?.code ?? 'none'))
      else if (event === 'gap') events.push({ kind: 'GAP', cursor: data?.cursor ?? '', data: undefined })
      else if (event === '#publish' && data) {
        const { cursor, data: body } = data.data as { cursor: string; data: unknown }
        events.push({ kind: 'MESSAGE', cursor, data: dataIn(requested, body) })
      }
    }
    const read = async () => {
      for (;;) {
        const frame = await client.next(600_000)
        if (frame === '' || frame === '#1') client.send(frame === '' ? '' : '#2')
        else if (frame.startsWith('{')) take(JSON.parse(frame) as Packet)
      }
    }
    read().catch((error: Error) => events.end(error))
    client.send({ event: '#handshake', data: { authToken: token ?? null }, cid: 1 })
    client.send({
      event: '#subscribe',
      data: { channel: nameOf(requested), data: { after, last, every, position, autoAck, cursors: true } },
      cid: 2,
    })
    return {
      events,
      // The published clients reconnect after all codes but these.
      closed: client.closed.then(({ code }) => ({ reconnects: code !== 1000 && code < 4500 })),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  },
  async misbehave({ gateway }) {
    await using client = await connectFrames(socketClusterUrl(gateway.url))
    client.send({ event: '#handshake', data: {}, cid: 1 })
    client.send({ event: 'toString', data: {}, cid: 2 })
    await client.nextMatching((frame) => frame.includes('"rid":2'))
  },
}
