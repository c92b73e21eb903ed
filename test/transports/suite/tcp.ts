import { connectFramed } from '../../support/frames/framed.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { dataIn, nameOf, type ReceivedEvent, Refused, type TransportAdapter } from './adapter.ts'

export const framedTcp: TransportAdapter = {
  name: 'tcp',
  async listen({ tcpPort }, requested) {
    const { token, after, last, every, position, autoAck } = requested
    const client = await connectFramed(tcpPort)
    const events = new Inbox<ReceivedEvent>('an event over TCP')
    let reconnects = true
    const read = async () => {
      for (;;) {
        const { json } = await client.next(600_000)
        const { kind, cursor, data, error } = json as {
          error?: { code: string }
          kind?: string
          cursor?: string
          data: unknown
        }
        if (error) events.end(new Refused(error.code))
        else if (kind === 'close') reconnects = json['comeBack'] === true
        else if (kind !== undefined && cursor !== undefined)
          events.push({ kind: kind.toUpperCase() as ReceivedEvent['kind'], cursor, data: dataIn(requested, data) })
      }
    }
    read().catch((error: Error) => events.end(error))
    if (token !== undefined) client.send({ action: 'authenticate', token })
    client.send({ action: 'subscribe', channel: nameOf(requested), after, last, every, position, autoAck })
    return {
      events,
      closed: client.closed.then(() => ({ reconnects })),
      pause: () => client.socket.pause(),
      resume: () => client.socket.resume(),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  },
  async misbehave({ tcpPort }) {
    await using client = await connectFramed(tcpPort)
    client.socket.write(Buffer.from([0, 3, 0x7b, 0xff, 0x7d, 1, 2, 3]))
    await client.closed
  },
}
