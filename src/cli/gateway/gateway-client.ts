import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { endWhenSilent } from '../../client/resume.ts'
import { parseJson } from '../../core/json/parse-json.ts'

const handshakeTimeoutMs = 10_000
/** Interval between pings, and how long a pong may take, in milliseconds. */
const pingMs = 10_000

/**
 * A graphql-ws client for `ws://…/graphql`. `token` is called for each connection; if it rejects,
 * the client emits `error` with the reason. The caller must dispose of the client.
 */
export function gatewayClient(url: string, token: () => Promise<string>): Client {
  const client = createClient({
    url,
    webSocketImpl: GatewayWebSocket,
    // `resumable` reconnects with the last cursor.
    retryAttempts: 0,
    keepAlive: pingMs,
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
  })
  endWhenSilent(client, pingMs)
  return client
}

class GatewayWebSocket extends WebSocket {
  constructor(url: string, protocols: string) {
    super(url, protocols, { handshakeTimeout: handshakeTimeoutMs })
  }

  /**
   * Passes on parsed messages that keep every digit of their numbers. graphql-ws calls `JSON.parse`
   * on text only and takes an object as it is. It sets `onmessage`, which calls this.
   */
  override addEventListener(...[type, listener, options]: Parameters<WebSocket['addEventListener']>): void {
    if (type !== 'message') return super.addEventListener(type, listener, options)
    const onMessage = listener as (event: { data: unknown }) => void
    super.addEventListener('message', ({ data }) => onMessage({ data: parsed(data) }), options)
  }
}

/** Returns text that is not JSON as it is, because graphql-ws reports it. */
function parsed(data: unknown): unknown {
  try {
    return parseJson(String(data))
  } catch {
    return data
  }
}
