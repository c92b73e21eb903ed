import type { IncomingMessage } from 'node:http'
import { names } from '../http/media-types.ts'

const graphqlResponse = 'application/graphql-response+json'

/**
 * HEAD is answered as GET is, without a body, which Node.js leaves out (RFC 9110 §9.3.2). It never
 * begins a stream: nothing of one could be sent, and it would not end.
 */
export function headAsGet(request: IncomingMessage): void {
  if (request.method !== 'HEAD') return
  request.method = 'GET'
  const { accept } = request.headers
  if (names(accept, 'text/html')) return
  request.headers.accept = names(accept, graphqlResponse) ? graphqlResponse : 'application/json'
}
