import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { channelQueryWithOptions } from '../../e2e/back-end/graphql-caller.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import {
  itemEvent,
  itemQuery,
  type ListenRequest,
  type ReceivedEvent,
  Refused,
  type TransportAdapter,
  type Under,
} from './adapter.ts'

interface Payload {
  readonly data?: { readonly channel: ReceivedEvent } | null
  readonly extensions?: Parameters<typeof itemEvent>[0]['extensions']
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[]
}

export const serverSentEvents: TransportAdapter = {
  name: 'sse',
  async listen(to, requested) {
    const sent = ask(to, requested)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const events = new Inbox<ReceivedEvent>('an event of SSE')
    let text = ''
    let completed = false
    const take = (payload: Payload) => {
      const { data, errors } = payload
      const [error] = errors ?? []
      if (error) events.end(new Refused(error.extensions?.code ?? 'none'))
      else if (requested.typed) events.push(itemEvent(payload as Parameters<typeof itemEvent>[0]))
      else if (data) events.push(data.channel)
    }
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (!String(response.headers['content-type']).includes('event-stream')) return
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        completed ||= part.startsWith('event: complete')
        const data = /^data: (.+)$/m.exec(part)?.[1]
        if (data !== undefined) take(JSON.parse(data) as Payload)
      }
    })
    response.on('error', () => {})
    const closed = new Promise<{ reconnects: boolean }>((resolve) => {
      response.once('close', () => {
        if (!completed && text.startsWith('{')) take(JSON.parse(text) as Payload)
        events.end(new Error('the response is over'))
        // An EventSource reconnects except after the `complete` event of GraphQL over SSE.
        resolve({ reconnects: !completed })
      })
    })
    return {
      events,
      closed,
      pause: () => void response.pause(),
      resume: () => void response.resume(),
      async [Symbol.asyncDispose]() {
        sent.destroy()
        await closed
      },
    }
  },
  async misbehave({ gateway }) {
    const answer = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      body: '{"query":',
      headers: { 'content-type': 'application/json' },
    })
    await answer.arrayBuffer()
  },
}

function ask(
  { gateway }: Under,
  { channel, token, after, last, every, position, autoAck, typed }: ListenRequest,
): ClientRequest {
  const headers = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    ...(token && { authorization: `Bearer ${token}` }),
  }
  const sent = request(gateway.graphqlUrl, { method: 'POST', headers, agent: false })
  sent.on('error', () => {})
  sent.end(
    JSON.stringify({
      query: typed ? itemQuery : channelQueryWithOptions,
      variables: { clientId: channel, after, last, every, position, autoAck },
    }),
  )
  return sent
}
