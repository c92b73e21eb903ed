import { type Message, MessageType, validateMessage } from 'graphql-ws'
import { latin1Of } from '../../../core/body/latin1.ts'
import { JsonNumber } from '../../../core/json/json-number.ts'
import { parseJson } from '../../../core/json/parse-json.ts'
import { printJson } from '../../../core/json/print-json.ts'
import { textFrameHeader } from '../../websocket/frame-writer.ts'
import { allowMissingQuery } from '../requests/persisted-documents.ts'

/**
 * Reads a client's message and keeps all digits of its numbers. Throws if it is not a valid message
 * of the protocol.
 */
export function readMessage(text: string): Message {
  const message: unknown = parseJson(text)
  // graphql-ws accepts any object here, so a `JsonNumber` would pass.
  const { payload } = message as { payload?: unknown }
  const { variables, extensions } = (payload ?? {}) as { variables?: unknown; extensions?: unknown }
  if ([payload, variables, extensions].some((part) => part instanceof JsonNumber)) {
    throw new TypeError('expected an object, got a number')
  }
  allowMissingQuery(message)
  const valid = validateMessage(message)
  // As over HTTP, an empty name means none.
  if (valid.type === MessageType.Subscribe && valid.payload.operationName === '')
    delete (valid.payload as { operationName?: string }).operationName
  return valid
}

/** A server message as a whole WebSocket frame, in the bytes of a latin1 string. */
function frameOf(message: object): string {
  const text = latin1Of(printJson(message) ?? '{}')
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
