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
import { serverSentEvents } from './sse.ts'

interface FailedPart {
  readonly extensions?: { readonly code?: string; readonly comeBack?: boolean }
}

interface ResultPart {
  readonly data?: { readonly channel: ReceivedEvent } | null
  readonly extensions?: Parameters<typeof itemEvent>[0]['extensions']
  readonly errors?: readonly FailedPart[]
}

/** Apollo's multipart protocol. */
export const multipart: TransportAdapter = {
  name: 'multipart',
  async listen(to, requested) {
    const sent = ask(to, requested)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const isMultipart = String(response.headers['content-type']).startsWith('multipart/mixed')
    const events = new Inbox<ReceivedEvent>('an event of a multipart response')
    let text = ''
    // A response that is broken off makes a client come back, as does an error that asks for it.
    let comesBack = true
    const take = (result: ResultPart) => {
      const { data, errors } = result
      const [error] = errors ?? []
      if (error) events.end(new Refused(error.extensions?.code ?? 'none'))
      else if (requested.typed) events.push(itemEvent(result as Parameters<typeof itemEvent>[0]))
      else if (data) events.push(data.channel)
    }
    const takePart = (json: string) => {
      const { payload, errors } = JSON.parse(json) as { payload?: ResultPart | null; errors?: readonly FailedPart[] }
      if (payload) return take(payload)
      if (!errors) return
      comesBack = errors[0]?.extensions?.comeBack === true
      take({ errors })
    }
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (!isMultipart) return
      const parts = text.split('\r\n--graphql')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const [, json] = part.split('\r\n\r\n')
        if (json !== undefined) takePart(json)
      }
    })
    response.on('error', () => {})
    const closed = new Promise<{ reconnects: boolean }>((resolve) => {
      response.once('close', () => {
        if (!isMultipart) take(JSON.parse(text) as ResultPart)
        events.end(new Error('the response is over'))
        resolve({ reconnects: comesBack })
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
  misbehave: (to) => serverSentEvents.misbehave(to),
}

function ask(
  { gateway }: Under,
  { channel, token, after, last, every, position, autoAck, typed }: ListenRequest,
): ClientRequest {
  const headers = {
    'content-type': 'application/json',
    accept: 'multipart/mixed;subscriptionSpec="1.0", application/json',
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
