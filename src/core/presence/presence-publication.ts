import type { Publication } from '../model/message.ts'
import type { PresenceChange } from './presence-recorder.ts'

/** A message on `<namespace>.presence`, with the key `online.<id>` or `offline.<id>`. */
export function presencePublication(
  namespace: string,
  { clientId, online, at }: PresenceChange,
): Publication & { readonly mandatory: false } {
  const type = online ? 'online' : 'offline'
  return {
    exchange: `${namespace}.presence`,
    routingKey: `${type}.${clientId}`,
    body: Buffer.from(JSON.stringify({ clientId, online, at: new Date(at).toISOString() })),
    properties: { contentType: 'application/json', type, timestamp: Math.floor(at / 1000) * 1000 },
    // Nothing needs to be bound to it.
    mandatory: false,
  }
}
