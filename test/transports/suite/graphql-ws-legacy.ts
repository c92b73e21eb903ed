import { channelQueryWithOptions } from '../../e2e/back-end/graphql-caller.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { itemEvent, itemQuery, type ReceivedEvent, Refused, type TransportAdapter } from './adapter.ts'
import { reconnectsAfter } from './graphql-ws.ts'

interface Message {
  readonly type: string
  readonly payload?: {
    readonly data?: { readonly channel?: ReceivedEvent } | null
    readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[]
    readonly extensions?: { readonly code?: string }
  }
}

/** The subprotocol of subscriptions-transport-ws. */
export const graphqlWsLegacy: TransportAdapter = {
  name: 'graphql-ws-legacy',
  async listen({ gateway }, { channel, token, after, last, every, position, autoAck, typed }) {
    const frames = await connectFrames(gateway.graphqlSocketUrl, { protocol: 'graphql-ws' })
    const events = new Inbox<ReceivedEvent>('an event over the subprotocol graphql-ws')
    const take = ({ type, payload }: Message) => {
      if (type === 'data') {
        const [error] = payload?.errors ?? []
        if (error) events.end(new Refused(error.extensions?.code ?? 'none'))
        else events.push(typed ? itemEvent(payload as object) : (payload?.data?.channel as ReceivedEvent))
      } else if (type === 'error' || type === 'connection_error') {
        events.end(new Refused(payload?.extensions?.code ?? 'none'))
      }
    }
    const read = async () => {
      for (;;) take(JSON.parse(await frames.next(600_000)) as Message)
    }
    read().catch((error: Error) => events.end(error))
    // Both at once, as the published client sends them.
    frames.send({ type: 'connection_init', payload: { token } })
    const payload = {
      query: typed ? itemQuery : channelQueryWithOptions,
      variables: { clientId: channel, after, last, every, position, autoAck },
    }
    frames.send({ id: '1', type: 'start', payload })
    return {
      events,
      closed: frames.closed.then(({ code }) => ({ reconnects: reconnectsAfter(code) })),
      pause: () => frames.socket.pause(),
      resume: () => frames.socket.resume(),
      [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
    }
  },
  async misbehave({ gateway }) {
    await using frames = await connectFrames(gateway.graphqlSocketUrl, { protocol: 'graphql-ws' })
    frames.send({ type: 'subscribe', id: '1', payload: { query: '{ gateway { version } }' } })
    await frames.closed
  },
}
