import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { channelQueryWithOptions } from '../../e2e/back-end/graphql-caller.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { itemEvent, itemQuery, type ReceivedEvent, Refused, type TransportAdapter } from './adapter.ts'
import { serverSentEvents } from './sse.ts'

interface Failure {
  readonly extensions?: { readonly code?: string; readonly comeBack?: boolean }
}

interface Message {
  readonly action: 'check' | 'next' | 'complete'
  readonly id: string
  readonly verifier: string
  readonly payload?: {
    readonly data?: { readonly channel: ReceivedEvent } | null
    readonly errors?: readonly Failure[]
  }
  readonly errors?: readonly Failure[]
}

/** The callback endpoint of a router. Subscriptions have its URL and their own id. */
class Router {
  readonly subscribers = new Map<string, (message: Message, response: ServerResponse) => void>()
  readonly #server = createServer((request, response) => {
    this.#receive(request, response).catch(() => response.destroy())
  })
  url = ''

  /** Resolves to the value of WARREN_CALLBACK_URLS. */
  async open(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/callback/`
    return this.url
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const piece of request.setEncoding('utf8')) text += String(piece)
    const message = JSON.parse(text) as Message
    const subscriber = this.subscribers.get(message.id)
    if (subscriber && request.url === `/callback/${message.id}`) subscriber(message, response)
    else response.writeHead(404).end()
  }
}

/** Open before the gateway that posts to it. */
export const router = new Router()

/** A router that takes part in the HTTP callback protocol. A paused one answers nothing. */
export const callback: TransportAdapter = {
  name: 'callback',
  async listen({ gateway }, { channel, token, after, last, every, position, autoAck, typed }) {
    const events = new Inbox<ReceivedEvent>('an event of a callback')
    const id = randomUUID()
    let close = (_how: { reconnects: boolean }): void => undefined
    const closed = new Promise<{ reconnects: boolean }>((resolve) => {
      close = resolve
    })
    let forget = (): void => undefined
    const forgotten = new Promise<void>((resolve) => {
      forget = resolve
    })
    const unanswered: (() => void)[] = []
    let isPaused = false
    let isOver = false
    const take = ({ action, payload, errors }: Message) => {
      const [error] = payload?.errors ?? errors ?? []
      if (action === 'next' && !error)
        events.push(typed ? itemEvent(payload as object) : (payload?.data?.channel as ReceivedEvent))
      if (error) events.end(new Refused(error.extensions?.code ?? 'none'))
      if (action !== 'complete') return
      forget()
      close({ reconnects: error?.extensions?.comeBack === true })
    }
    router.subscribers.set(id, (message, response) => {
      if (isOver || message.verifier !== 'proof') {
        response.writeHead(404).end(forget)
        return
      }
      const answer = () => {
        // The gateway gave up waiting, and has sent the message again.
        if (response.destroyed) return
        take(message)
        response.writeHead(204, { 'subscription-protocol': 'callback/1.0' }).end()
      }
      if (isPaused) unanswered.push(answer)
      else answer()
    })
    const asked = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json;callbackSpec=1.0',
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({
        query: typed ? itemQuery : channelQueryWithOptions,
        variables: { clientId: channel, after, last, every, position, autoAck },
        extensions: {
          subscription: {
            callbackUrl: `${router.url}${id}`,
            subscriptionId: id,
            verifier: 'proof',
            heartbeatIntervalMs: 200,
          },
        },
      }),
    })
    const answer = (await asked.json()) as { errors?: readonly Failure[] }
    if (answer.errors) forget()
    if (answer.errors) events.end(new Refused(answer.errors[0]?.extensions?.code ?? 'none'))
    return {
      events,
      closed,
      pause: () => {
        isPaused = true
      },
      resume: () => {
        isPaused = false
        for (const answerOne of unanswered.splice(0)) answerOne()
      },
      async [Symbol.asyncDispose]() {
        isOver = true
        for (const answerOne of unanswered.splice(0)) answerOne()
        // The next heartbeat gets 404, which ends the subscription.
        await forgotten
        router.subscribers.delete(id)
      },
    }
  },
  misbehave: (to) => serverSentEvents.misbehave(to),
}
