import { parseJson } from '../../../core/json/parse-json.ts'
import { frameOf, operationFrames, validMessage } from './frames.ts'
import type { ClientMessage, WsProtocol } from './protocol.ts'

/** The client's types that graphql-transport-ws has under other names. */
const renamed: Readonly<Record<string, string>> = { start: 'subscribe', stop: 'complete' }

const keepAlive = frameOf({ type: 'ka' })

/**
 * The subprotocol `graphql-ws` of subscriptions-transport-ws, for clients that cannot do better.
 * https://github.com/apollographql/subscriptions-transport-ws/blob/master/PROTOCOL.md
 */
export const legacyGraphqlWs: WsProtocol = {
  name: 'graphql-ws',
  transport: 'graphql-ws-legacy',
  // Clients in typed languages read an object. The JavaScript client reads `errors` in it.
  frames: operationFrames('data', ([first, ...others]) =>
    others.length === 0 ? first : { ...first, errors: [first, ...others] },
  ),
  read(text) {
    const message = parseJson(text) as { type?: unknown; id?: unknown } | null
    switch (message?.type) {
      case 'connection_terminate':
        return { type: 'terminate' }
      case 'connection_init':
        return validMessage(message) as ClientMessage
      case 'start':
      case 'stop':
        return validMessage({ ...message, type: renamed[message.type] }) as ClientMessage
      default:
        throw new TypeError('expected connection_init, start, stop or connection_terminate')
    }
  },
  // Clients begin to expect it after the first one.
  ack: frameOf({ type: 'connection_ack' }) + keepAlive,
  pong: () => '',
  refusal: (message, code) => frameOf({ type: 'connection_error', payload: { message, extensions: { code } } }),
  keepAlive,
  // The published client sends them right after `connection_init`.
  startsEarly: true,
  replaces: true,
}
