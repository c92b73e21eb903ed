import { MessageType } from 'graphql-ws'
import { latin1Of } from '../core/latin1.ts'
import { textFrameHeader } from './websocket-frame.ts'

/** What a server says, each as a whole frame of WebSocket, as the bytes of a latin1 string. */
function frameOf(message: object): string {
  const text = latin1Of(JSON.stringify(message))
  return textFrameHeader(text.length) + text
}

export const ackFrame = frameOf({ type: MessageType.ConnectionAck })

const barePong = frameOf({ type: MessageType.Pong })

export function pongFrame(payload: object | null | undefined): string {
  return payload ? frameOf({ type: MessageType.Pong, payload }) : barePong
}

export function nextFrame(id: string, payload: object): string {
  return frameOf({ id, type: MessageType.Next, payload })
}

export function errorFrame(id: string, payload: readonly object[]): string {
  return frameOf({ id, type: MessageType.Error, payload })
}

export function completeFrame(id: string): string {
  return frameOf({ id, type: MessageType.Complete })
}
