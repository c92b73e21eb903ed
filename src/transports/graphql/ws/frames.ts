import { type Message, MessageType, validateMessage } from 'graphql-ws'
import { latin1Of } from '../../../core/body/latin1.ts'
import { JsonNumber } from '../../../core/json/json-number.ts'
import { printJson } from '../../../core/json/print-json.ts'
import { textFrameHeader } from '../../websocket/frame-writer.ts'
import type { OperationFrames } from '../operations/operation-frames.ts'
import { allowMissingQuery } from '../requests/persisted-documents.ts'

/** Throws if it is not a valid message of graphql-transport-ws. */
export function validMessage(message: unknown): Message {
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
export function frameOf(message: object): string {
  const text = latin1Of(printJson(message) ?? '{}')
  return textFrameHeader(text.length) + text
}

/** Operation messages of both subprotocols, which differ in the type of a result. */
export function operationFrames(
  resultType: string,
  errorPayload: (errors: readonly object[]) => unknown,
): OperationFrames {
  return {
    startOf: (id) => latin1Of(`{"id":${JSON.stringify(id)},"type":"${resultType}","payload":`),
    headOf: textFrameHeader,
    tail: '',
    result: (id, payload) => frameOf({ id, type: resultType, payload }),
    errors: (id, errors) => frameOf({ id, type: 'error', payload: errorPayload(errors) }),
    complete: (id) => frameOf({ id, type: 'complete' }),
  }
}
