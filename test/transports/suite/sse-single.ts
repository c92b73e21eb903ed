import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { channelQueryWithOptions } from '../../e2e/back-end/graphql-caller.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { itemEvent, itemQuery, type ReceivedEvent, Refused, type TransportAdapter } from './adapter.ts'

interface Payload {
  readonly data?: { readonly channel: ReceivedEvent } | null
  readonly extensions?: Parameters<typeof itemEvent>[0]['extensions']
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[]
}

/** GraphQL over SSE, single connection mode. */
export const singleConnection: TransportAdapter = {
  name: 'sse',
  mode: 'single',
  async listen({ gateway }, { channel, token, after, last, every, position, autoAck, typed }) {
    const events = new Inbox<ReceivedEvent>('an event of SSE in single connection mode')
    const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const reserved = await fetch(gateway.graphqlUrl, { method: 'PUT', headers: authorization })
    const headers = { ...authorization, 'x-graphql-event-stream-token': await reserved.text() }
    const opened = request(gateway.graphqlUrl, { headers: { ...headers, accept: 'text/event-stream' }, agent: false })
    opened.on('error', () => {}).end()
    const [response] = (await once(opened, 'response')) as [IncomingMessage]
    let text = ''
    let completed = false
    const take = (payload: Payload) => {
      const { data, errors } = payload
      const [error] = errors ?? []
      if (error) events.end(new Refused(error.extensions?.code ?? 'none'))
      else if (typed) events.push(itemEvent(payload as Parameters<typeof itemEvent>[0]))
      else if (data) events.push(data.channel)
    }
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const [, event, json] = /^event: (\w+)\ndata: (.+)$/.exec(part) ?? []
        if (json === undefined) continue
        completed ||= event === 'complete'
        if (event === 'next') take((JSON.parse(json) as { payload: Payload }).payload)
      }
    })
    response.on('error', () => {})
    const closed = new Promise<{ reconnects: boolean }>((resolve) => {
      response.once('close', () => {
        events.end(new Error('the response is over'))
        // The published client begins operations again that were not completed.
        resolve({ reconnects: !completed })
      })
    })
    const body = {
      query: typed ? itemQuery : channelQueryWithOptions,
      variables: { clientId: channel, after, last, every, position, autoAck },
      extensions: { operationId: '1' },
    }
    const asked = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (asked.status !== 202) take((await asked.json()) as Payload)
    return {
      events,
      closed,
      pause: () => void response.pause(),
      resume: () => void response.resume(),
      async [Symbol.asyncDispose]() {
        opened.destroy()
        await closed
      },
    }
  },
  async misbehave({ gateway }) {
    const reserved = await fetch(gateway.graphqlUrl, { method: 'PUT' })
    const token = { 'x-graphql-event-stream-token': await reserved.text() }
    const abort = new AbortController()
    await fetch(gateway.graphqlUrl, { headers: { ...token, accept: 'text/event-stream' }, signal: abort.signal })
    const answer = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      body: '{"query":',
      headers: { ...token, 'content-type': 'application/json' },
    })
    await answer.arrayBuffer()
    abort.abort()
  },
}
