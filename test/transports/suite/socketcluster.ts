import { golden, socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { connectFrames } from '../../support/frames.ts'
import { Inbox } from '../../support/inbox.ts'
import { type Heard, Refused, type TransportAdapter } from './adapter.ts'

interface Told {
  readonly rid?: number
  readonly error?: { readonly name: string }
  readonly event?: string
  readonly data?: { readonly cursor: string; readonly data: { readonly cursor: string; readonly data: unknown } }
}

/** Pings are no JSON. */
function told(text: string): Told {
  return text.startsWith('{') ? (JSON.parse(text) as Told) : {}
}

export const socketCluster: TransportAdapter = {
  name: 'socketcluster',
  async listen({ gateway }, { channel, token, after }) {
    const client = await connectFrames(socketClusterUrl(gateway.url))
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
      closed: client.closed.then(({ code }) => ({ comeBack: code !== 1000 && code < 4500 })),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  },
  async misbehave({ gateway }) {
    await using client = await connectFrames(socketClusterUrl(gateway.url))
    client.send('no packet')
    await client.closed
  },
}
