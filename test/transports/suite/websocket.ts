import { connectFrames } from '../../support/frames/frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { dataIn, nameOf, type ReceivedEvent, Refused, type TransportAdapter, type Under } from './adapter.ts'
import { reconnectsAfter } from './graphql-ws.ts'

const wsUrl = ({ gateway }: Under, query: Record<string, string>) =>
  `${gateway.url.replace('http', 'ws')}/ws?${new URLSearchParams(query).toString()}`

interface RoomFrame {
  readonly kind: string
  readonly error?: { readonly code: string }
  readonly cursor: string
  readonly data?: unknown
}

export const plainWebSocket: TransportAdapter = {
  name: 'websocket',
  async listen(to, requested) {
    const { token, after, last, every, position, autoAck } = requested
    const channel = nameOf(requested)
    const client = await connectFrames(
      wsUrl(to, {
        channel,
        ...(token && { token }),
        ...(after && { after }),
        ...(last && { last: String(last) }),
        ...(every && { every }),
        ...(position && { position }),
        ...(autoAck && { autoAck }),
      }),
    )
    const events = new Inbox<ReceivedEvent>('an event over plain WebSocket')
    const read = async () => {
      for (;;) {
        const frame = JSON.parse(await client.next(600_000)) as RoomFrame
        if (frame.error) return events.end(new Refused(frame.error.code))
        if (frame.kind === 'joined') continue
        events.push({
          kind: frame.kind.toUpperCase() as ReceivedEvent['kind'],
          cursor: frame.cursor,
          data: dataIn(requested, frame.data),
        })
      }
    }
    read().catch((error: Error) => events.end(error))
    void client.closed.then(
      ({ code }) => (code === 4401 || code === 4403) && events.end(new Refused('UNAUTHENTICATED')),
    )
    return {
      events,
      closed: client.closed.then(({ code }) => ({ reconnects: reconnectsAfter(code) })),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  },
  async misbehave(to) {
    await using client = await connectFrames(wsUrl(to, { channel: 'a b' }))
    client.send('{"token":"no token"}')
    await client.closed
  },
}
