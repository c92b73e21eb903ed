import { pause } from '../../../core/timing/pause.ts'
import type { Connect } from './connect.ts'

/** A client of server-sent events. `bytesPerSecond`: how fast it reads. */
export function sseClient(clientId: string, bytesPerSecond = Number.POSITIVE_INFINITY): Connect {
  return async ({ url, token }, signal) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${await token(clientId)}`,
      },
      body: JSON.stringify({
        query: 'subscription ($id: ID!) { channel(clientId: $id) { kind cursor data gap { reason } } }',
        variables: { id: clientId },
      }),
      signal,
    })
    for await (const chunk of response.body ?? []) {
      const { length } = chunk as Uint8Array
      if (bytesPerSecond < Number.POSITIVE_INFINITY) await pause((length / bytesPerSecond) * 1_000, signal)
    }
  }
}
