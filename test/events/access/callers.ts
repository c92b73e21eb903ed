import { readPointer } from '../../../src/core/json/json-pointer.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { anonymous, parseScope } from '../../../src/core/model/identity.ts'
import type { EventCaller } from '../../../src/events/access/event-caller.ts'

export const noToken: EventCaller = { identity: anonymous, claims: () => undefined }

/** A caller with a token with these claims. `json`: claims as JSON text, for numbers with digits. */
export function callerWith(claims: Record<string, unknown>, json = JSON.stringify(claims)): EventCaller {
  const all = parseJson(json)
  return {
    identity: {
      ...anonymous,
      clientId: typeof claims['sub'] === 'string' ? claims['sub'] : undefined,
      scope: parseScope(typeof claims['scope'] === 'string' ? claims['scope'] : ''),
    },
    claims: (pointer) => readPointer(all, pointer),
  }
}
