import { GRAPHQL_TRANSPORT_WS_PROTOCOL, type Message, MessageType } from 'graphql-ws'
import { parseJson } from '../../../core/json/parse-json.ts'
import { frameOf, operationFrames, validMessage } from './frames.ts'
import type { WsProtocol } from './protocol.ts'

const barePong = frameOf({ type: MessageType.Pong })

/** https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
export const graphqlTransportWs: WsProtocol = {
  name: GRAPHQL_TRANSPORT_WS_PROTOCOL,
  transport: 'graphql-ws',
  frames: operationFrames(MessageType.Next, (errors) => errors),
  read(text) {
    const message: Message = validMessage(parseJson(text))
    switch (message.type) {
      case MessageType.ConnectionInit:
      case MessageType.Ping:
      case MessageType.Subscribe:
      case MessageType.Complete:
      case MessageType.Pong:
        return message
      default:
        throw new TypeError(`only a server sends ${message.type}`)
    }
  },
  ack: frameOf({ type: MessageType.ConnectionAck }),
  pong: (payload) => (payload ? frameOf({ type: MessageType.Pong, payload }) : barePong),
  refusal: () => '',
  keepAlive: undefined,
  startsEarly: false,
  replaces: false,
}
