import { closeReasons } from '../../../src/close-reasons.ts'
import { channelQueryWithOptions } from '../../e2e/back-end/graphql-caller.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { itemEvent, itemQuery, type ReceivedEvent, Refused, type TransportAdapter } from './adapter.ts'

export const graphqlWs: TransportAdapter = {
  name: 'graphql-ws',
  async listen({ gateway }, { channel, token, after, last, every, position, autoAck, typed }) {
    const client = await connectGraphql(
      gateway.graphqlSocketUrl,
      token === undefined ? {} : { connectionParams: { token } },
    )
    const operation = client.subscribe(typed ? itemQuery : channelQueryWithOptions, {
      clientId: channel,
      after,
      last,
      every,
      position,
      autoAck,
    })
    const events = new Inbox<ReceivedEvent>('an event over graphql-transport-ws')
    void (async () => {
      for (;;) {
        const result = await operation.next(600_000)
        const { data, errors } = result
        const [error] = errors ?? []
        if (error) return events.end(new Refused(String(error.extensions?.['code'])))
        events.push(typed ? itemEvent(result) : (data?.['channel'] as ReceivedEvent))
      }
    })().catch((error: Error) => events.end(error))
    operation.ended.then(
      (how) => how !== 'complete' && events.end(refusedBy(how)),
      () => {},
    )
    return {
      events,
      closed: client.closed.then(({ code }) => ({ reconnects: reconnectsAfter(code) })),
      pause: () => client.frames.socket.pause(),
      resume: () => client.frames.socket.resume(),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  },
  async misbehave({ gateway }) {
    await using frames = await connectFrames(gateway.graphqlSocketUrl, { protocol: 'graphql-transport-ws' })
    frames.send('{"type":"nonsense"')
    await frames.closed
  },
}

function refusedBy(errors: readonly object[]): Refused {
  const [error] = errors as { extensions?: { code?: string } }[]
  return new Refused(error?.extensions?.code ?? 'none')
}

/** By the table of close codes that all WebSockets of the gateway share. */
export function reconnectsAfter(code: number): boolean {
  return Object.values(closeReasons).some((reason) => reason.graphqlWs === code && reason.comeBack)
}
