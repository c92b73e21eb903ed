import { latin1Of } from '../../../core/body/latin1.ts'
import { printJson } from '../../../core/json/print-json.ts'
import type { OperationFrames } from '../operations/operation-frames.ts'

function startOf(id: string): string {
  return latin1Of(`event: next\ndata: {"id":${JSON.stringify(id)},"payload":`)
}

function result(id: string, payload: object): string {
  return `${startOf(id)}${latin1Of(printJson(payload) ?? 'null')}}\n\n`
}

function complete(id: string): string {
  return latin1Of(`event: complete\ndata: {"id":${JSON.stringify(id)}}\n\n`)
}

/** The events of GraphQL over SSE in single connection mode, which name their operation. */
export const operationEvents: OperationFrames = {
  startOf,
  headOf: () => '',
  tail: '\n\n',
  result,
  errors: (id, errors) => result(id, { errors }) + complete(id),
  complete,
}
