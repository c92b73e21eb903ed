<<<<<<< HEAD
import { golden, socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
=======
import { socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
>>>>>>> 2d01842bbe4f684dcd97837beed17dacc807a7e7
import { connectFrames } from '../../support/frames.ts'
import { Inbox } from '../../support/inbox.ts'
import { type Heard, Refused, type TransportAdapter } from './adapter.ts'

<<<<<<< HEAD
interface Told {
  readonly rid?: number
  readonly error?: { readonly name: string }
  readonly event?: string
  readonly data?: { readonly cursor: string; readonly data: { readonly cursor: string; readonly data: unknown } }
}

/** Pings are no JSON. */
function told(text: string): Told {
  return text.startsWith('{') ? (JSON.parse(text) as Told) : {}
=======
interface Packet {
  readonly rid?: number
  readonly error?: { readonly name: string }
  readonly event?: string
  readonly data?: { readonly cursor: string; readonly data?: unknown; readonly channel?: string }
>>>>>>> 2d01842bbe4f684dcd97837beed17dacc807a7e7
}

export const socketCluster: TransportAdapter = {
  name: 'socketcluster',
  async listen({ gateway }, { channel, token, after }) {
    const client = await connectFrames(socketClusterUrl(gateway.url))
<<<<<<< HEAD
    client.send(golden.javaScript({ event: '#handshake', data: { authToken: token ?? null }, cid: 1 }))
    const data = { channel, data: { after, cursors: true } }
    client.send(golden.javaScript({ event: '#subscribe', data, cid: 2 }))
    const events = new Inbox<Heard>('an event over SocketCluster')
    const read = async () => {
      for (;;) {
        const { rid, error, event, data } = told(await client.next(600_000))
        if (rid === 2 && error) return events.end(new Refused(error.name))
        if (event === '#publish' && data) events.push({ kind: 'MESSAGE', ...data.data })
        if (event === 'gap' && data) events.push({ kind: 'GAP', cursor: data.cursor, data: undefined })
      }
    }
    read().catch((error: Error) => events.end(error))
    return {
      events,
      // What the published clients make of a code.
=======
    const events = new Inbox<Heard>('an event over SocketCluster')
    const take = ({ event, error, data }: Packet) => {
      if (error) events.end(new Refused(error.name))
      else if (event === 'gap') events.push({ kind: 'GAP', cursor: data?.cursor ?? '', data: undefined })
      else if (event === '#publish') {
        const { cursor, data: body } = data?.data as { cursor: string; data: unknown }
        events.push({ kind: 'MESSAGE', cursor, data: body })
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
    client.send({ event: '#subscribe', data: { channel, data: { after, cursors: true } }, cid: 2 })
    return {
      events,
      // The published clients come back after all codes but these.
>>>>>>> 2d01842bbe4f684dcd97837beed17dacc807a7e7
      closed: client.closed.then(({ code }) => ({ comeBack: code !== 1000 && code < 4500 })),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  },
  async misbehave({ gateway }) {
    await using client = await connectFrames(socketClusterUrl(gateway.url))
<<<<<<< HEAD
    client.send('no packet')
    await client.closed
=======
    client.send({ event: '#handshake', data: {}, cid: 1 })
    client.send({ event: 'toString', data: {}, cid: 2 })
    await client.nextMatching((frame) => frame.includes('"rid":2'))
>>>>>>> 2d01842bbe4f684dcd97837beed17dacc807a7e7
  },
}
