import { type IncomingMessage, maxHeaderSize, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { endWith } from '../flow/end-with-answer.ts'
import type { RequestTurns } from './request-turns.ts'

interface Problem {
  readonly status: number
  readonly code: 'BAD_REQUEST' | 'PAYLOAD_TOO_LARGE' | 'REQUEST_TIMEOUT'
  readonly message: string
}

const invalid: Problem = { status: 400, code: 'BAD_REQUEST', message: 'expected a request of HTTP/1.1' }

/** By the code of the error of Node's parser. Node itself answers with the same statuses. */
const problems: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'PAYLOAD_TOO_LARGE',
    message: `headers: expected at most ${maxHeaderSize} bytes with the target; send variables and documents in the body of a POST, and a shorter token`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
    message: 'body: expected shorter extensions of its chunks',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'REQUEST_TIMEOUT',
    message: 'expected the whole request in less time (WARREN_REQUEST_TIMEOUT; 10 s for the headers)',
  },
}

/** Answers what the parser of the server refuses, and ends the connection. */
export function refuseMalformed(server: Server, turns: RequestTurns): void {
  server.on('clientError', (error: Error & { readonly code?: string }, socket) => {
    const problem = problems[error.code ?? ''] ?? invalid
    const served = turns.servedOn(socket as Socket)
    if (!socket.writable) socket.destroy()
    else if (!served) refuse(problem, socket)
    // Otherwise the error is in a later request, or the answer has begun.
    else if (!served.request.complete && !served.response.headersSent) refuseServed(problem, served.response)
    else socket.destroy()
  })
}

const refused = new WeakSet<ServerResponse>()

/** Whether the response was written here, while the endpoint was reading the body. */
export function isRefused(response: ServerResponse): boolean {
  return refused.has(response)
}

/** The body of the request is wrong, or does not come. */
function refuseServed({ status, code, message }: Problem, response: ServerResponse): void {
  refused.add(response)
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', connection: 'close' })
    .end(JSON.stringify({ errors: [{ message, extensions: { code } }] }))
}

function refuse({ status, code, message }: Problem, socket: Duplex): void {
  const body = JSON.stringify({ errors: [{ message, extensions: { code } }] })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  endWith(socket, `${head.join('\r\n')}\r\n\r\n${body}`)
}

/**
 * Refuses a compressed body, which no endpoint reads. Returns whether it has answered. The header
 * names what is accepted (RFC 9110 §15.5.16).
 */
export function refuseCompressed({ headers }: IncomingMessage, response: ServerResponse): boolean {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  if (coding === '' || coding === 'identity') return false
  const message = `Content-Encoding: expected a body without compression, got ${JSON.stringify(coding.slice(0, 100))}`
  response
    .writeHead(415, { 'content-type': 'application/json; charset=utf-8', 'accept-encoding': 'identity' })
    .end(JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] }))
  return true
}
