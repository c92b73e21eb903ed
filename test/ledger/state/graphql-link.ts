import { once } from 'node:events'
import { request } from 'node:http'
import { WebSocket } from 'ws'
import { textOf } from '../../support/frames/frames.ts'
import type { Replica } from '../clients/transports.ts'

/** One result of a subscription. */
export interface LinkResult {
  readonly data?: Readonly<Record<string, unknown>> | null
  readonly errors?: readonly LinkError[]
  readonly extensions?: { readonly warren?: Readonly<Record<string, unknown>> }
}

interface LinkError {
  readonly extensions?: { readonly code?: string }
}

export interface LinkRequest {
  readonly token: string
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

export interface LinkWatch {
  readonly onResult: (result: LinkResult) => void
  /** The gateway refused or ended the subscription. */
  readonly onRefused: (what: string, code: string | undefined) => void
  /** After `leave`: everything that the gateway delivered has come. Not over server-sent events. */
  readonly onLeft?: () => void
  /** Once, by either side. */
  readonly onClosed: () => void
}

export interface Link {
  /** Ends the connection without a message to the gateway. */
  cut(): void
  /** Completes the subscription, receives what was sent before, and closes. */
  leave(): Promise<void>
}

export type OpenLink = (replica: Replica, request: LinkRequest, watch: LinkWatch) => Link

/** graphql-transport-ws. */
export const linkOverWebSocket: OpenLink = ({ address, port }, { token, query, variables }, watch) => {
  const socket = new WebSocket(`ws://${address}:${port}/graphql`, 'graphql-transport-ws', { perMessageDeflate: false })
  const send = (frame: object): void => socket.send(JSON.stringify(frame))
  socket.on('error', () => {})
  socket.on('close', watch.onClosed)
  socket.on('open', () => send({ type: 'connection_init', payload: { token } }))
  socket.on('message', (data) => {
    const { type, payload } = JSON.parse(textOf(data)) as { type: string; payload?: unknown }
    if (type === 'ping') send({ type: 'pong' })
    else if (type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: { query, variables } })
    else if (type === 'next') passOn(payload as LinkResult, watch)
    // What was delivered before the complete has come before this answer to the ping.
    else if (type === 'pong') {
      watch.onLeft?.()
      socket.close(1000)
    } else watch.onRefused(JSON.stringify({ type, payload }), codeOf(payload))
  })
  return {
    cut: () => socket.terminate(),
    async leave() {
      if (socket.readyState !== WebSocket.OPEN) return socket.terminate()
      const closed = once(socket, 'close')
      send({ id: '1', type: 'complete' })
      send({ type: 'ping' })
      await closed
    },
  }
}

/** Server-sent events. */
export const linkOverEvents: OpenLink = ({ address, port }, { token, query, variables }, watch) => {
  const headers = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    authorization: `Bearer ${token}`,
  }
  const call = request({ host: address, port, path: '/graphql', method: 'POST', agent: false, headers })
  call.on('error', () => {})
  call.on('close', watch.onClosed)
  call.on('response', (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('error', () => {})
    response.on('data', (chunk: string) => {
      text += chunk
      if (response.statusCode !== 200) return
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const lines = block.split('\n')
        const data = lines.find((line) => line.startsWith('data: '))?.slice('data: '.length)
        if (lines.includes('event: next') && data !== undefined) passOn(JSON.parse(data) as LinkResult, watch)
      }
    })
    response.on('end', () => {
      if (response.statusCode !== 200) watch.onRefused(text, /"code":\s*"(\w+)"/.exec(text)?.[1])
    })
  })
  call.end(JSON.stringify({ query, variables }))
  return {
    cut: () => void call.destroy(),
    leave: async () => void call.destroy(),
  }
}

/** Answers that the documentation defines as "retry later, unchanged" (docs/errors.md). */
export const retryLater: ReadonlySet<string | undefined> = new Set([
  'BROKER_UNAVAILABLE',
  'REGISTRY_UNAVAILABLE',
  'STATE_UNAVAILABLE',
  'DRAINING',
])

/** Resolves to the data; rejects with what came in its place. */
export async function callGraphql<Data>(
  { address, port }: Replica,
  { token, query, variables }: LinkRequest,
): Promise<Data> {
  const response = await fetch(`http://${address}:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(12_000),
  })
  const { data, errors } = (await response.json()) as { data?: Data; errors?: unknown }
  if (errors !== undefined || !data) throw new Error(JSON.stringify(errors))
  return data
}

function passOn(result: LinkResult, watch: LinkWatch): void {
  if (result.errors) watch.onRefused(JSON.stringify(result), codeOf(result.errors))
  else watch.onResult(result)
}

function codeOf(errors: unknown): string | undefined {
  return Array.isArray(errors) ? (errors as readonly LinkError[])[0]?.extensions?.code : undefined
}
