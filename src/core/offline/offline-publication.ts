import type { Publication } from '../model/message.ts'
import type { Absence } from './absences.ts'

/** A message on `<namespace>.offline`, with the key `message.<id>`. */
export function offlinePublication(
  namespace: string,
  { at, ...absence }: Absence,
): Publication & { readonly mandatory: false } {
  const type = 'message'
  return {
    exchange: `${namespace}.offline`,
    routingKey: `${type}.${absence.clientId}`,
    body: Buffer.from(JSON.stringify({ ...absence, at: new Date(at).toISOString() })),
    properties: { contentType: 'application/json', type, timestamp: Math.floor(at / 1000) * 1000 },
    // Nothing needs to be bound to it.
    mandatory: false,
  }
}
