import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { parseJson } from '../../../core/json/parse-json.ts'
import { hasToken, type Identity } from '../../../core/model/identity.ts'
import { type ErrorCode, errorTable, GatewayError } from '../../../errors.ts'
import { sendJson } from '../../http/answer-request.ts'
import { mostWanted, qualityOf } from '../../http/media-types.ts'
import { addressOf } from '../../http/peer-address.ts'
import { maxIdBytes } from '../operations/operation-frames.ts'
import { type AdmitRequest, retryAfterSeconds } from '../request-rates.ts'
import { eventStreamType } from '../streaming/event-stream.ts'
import { validMessage } from '../ws/frames.ts'
import { OperationsStream, type OperationsStreamParts } from './operations-stream.ts'

export interface SingleConnectionOptions extends OperationsStreamParts {
  readonly admitRequest: AdmitRequest
  readonly onRefusal: (code: ErrorCode) => void
  /** How long a reservation waits for its event stream, in milliseconds. */
  readonly authTimeoutMs: number
}

const tokenHeader = 'x-graphql-event-stream-token'
/** Distinguishes a reservation from a token of the client, which may have the same place. */
const reservation = /^[0-9a-f]{8}-[0-9a-f-]{27}$/

/** Why a request is not served. */
class Refusal extends Error {
  readonly status: number
  readonly errors: readonly object[]

  constructor(status: number, message: string, code: string, details: object = {}) {
    super(message)
    this.status = status
    this.errors = [{ message, extensions: { code, ...details } }]
  }
}

/**
 * GraphQL over SSE, single connection mode: a reservation (PUT), its event stream (GET), operations
 * (POST, or GET with another `Accept`), and their ends (DELETE). So a browser needs one connection
 * for all of its tabs' subscriptions.
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#single-connection-mode
 */
export class SingleConnections {
  readonly #options: SingleConnectionOptions
  readonly #streams = new Map<string, OperationsStream>()

  constructor(options: SingleConnectionOptions) {
    this.#options = options
  }

  /** Whether the request belongs to this mode. Others have one response for each operation. */
  isFor(request: IncomingMessage): boolean {
    return request.method === 'PUT' || request.method === 'DELETE' || tokenOf(request) !== undefined
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response)
    } catch (error) {
      const { status, errors } = this.#refusalOf(error)
      if (response.headersSent) return
      if (status === 429) response.setHeader('retry-after', String(retryAfterSeconds))
      sendJson(response, status, { errors })
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { accept, authorization } = request.headers
    await this.#options.admitRequest(request, authorization)
    const identity = await this.#options.authenticate({ authorization })
    if (request.method === 'PUT') return this.#reserve(request, response, identity)
    const stream = this.#streams.get(tokenOf(request) ?? '')
    if (!stream) throw new Refusal(404, 'Stream not found', 'NOT_FOUND')
    adopt(stream, identity)
    if (request.method === 'DELETE') return complete(stream, request, response)
    if (mostWanted(accept, ['application/json', eventStreamType]) === eventStreamType) {
      if (stream.isOpen) throw new Refusal(409, 'Stream already open', 'CONFLICT')
      stream.begin(response)
      return
    }
    if (qualityOf(accept, 'application/json') === 0)
      throw new Refusal(406, 'Accept: expected application/json for an operation', 'NOT_ACCEPTABLE')
    await this.#operate(stream, request, response)
  }

  #reserve(request: IncomingMessage, response: ServerResponse, identity: Identity): void {
    if (qualityOf(request.headers.accept, 'text/plain') === 0)
      throw new Refusal(406, 'Accept: expected text/plain for a reservation', 'NOT_ACCEPTABLE')
    const { gateway, settings, authTimeoutMs } = this.#options
    const token = randomUUID()
    const address = addressOf(request, settings.proxyHops)
    const stream = new OperationsStream(
      this.#options,
      (onClose) => gateway.openSession({ identity, address, transport: 'sse', onClose }),
      () => {
        clearTimeout(timeout)
        this.#streams.delete(token)
      },
    )
    const timeout = setTimeout(() => {
      if (!stream.isOpen) stream.end('lost')
    }, authTimeoutMs)
    this.#streams.set(token, stream)
    response.writeHead(201, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(token)
  }

  async #operate(stream: OperationsStream, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (stream.isFull) {
      throw new GatewayError('LIMIT_EXCEEDED', 'too many results wait to be read from the event stream', {
        limit: 'WARREN_MAX_BUFFERED_BYTES',
      })
    }
    const { params, bytes } = await operationIn(request)
    const { operations } = stream
    const id = params.extensions['operationId']
    if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > maxIdBytes) {
      const message = `extensions.operationId: expected a text of 1 to ${maxIdBytes} bytes`
      throw new Refusal(400, message, 'BAD_USER_INPUT', { field: 'extensions.operationId' })
    }
    if (operations.has(id)) throw new Refusal(409, 'Operation with ID already exists', 'CONFLICT')
    const message = { type: 'subscribe', id, payload: params }
    try {
      validMessage(message)
    } catch (error) {
      throw new Refusal(400, (error as Error).message, 'BAD_USER_INPUT')
    }
    operations.begin(id, params as never, bytes, {
      accepted: () => void response.writeHead(202).end(),
      refused: (errors) => sendJson(response, statusOf(errors), { errors }),
    })
  }

  #refusalOf(error: unknown): Pick<Refusal, 'status' | 'errors'> {
    if (error instanceof Refusal) return error
    const shown = this.#options.maskError(error)
    return { status: statusOf([shown], 500), errors: [shown] }
  }
}

/** A request may bring a newer token of the same client. Throws `FORBIDDEN` for another client. */
function adopt({ session }: OperationsStream, identity: Identity): void {
  if (!hasToken(identity)) return
  const isNewer = !hasToken(session.identity) || expiryOf(identity) > expiryOf(session.identity)
  if (session.identity.clientId !== identity.clientId || isNewer) session.renew(identity)
}

function expiryOf({ expiresAt }: Identity): number {
  return expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
}

function complete(stream: OperationsStream, request: IncomingMessage, response: ServerResponse): void {
  const id = searchOf(request).get('operationId')
  if (!id)
    throw new Refusal(400, 'operationId: expected the id of an operation', 'BAD_USER_INPUT', { field: 'operationId' })
  stream.operations.complete(id)
  response.writeHead(200).end()
}

interface OperationParams {
  readonly extensions: Readonly<Record<string, unknown>>
}

async function operationIn(request: IncomingMessage): Promise<{ params: OperationParams; bytes: number }> {
  const text = request.method === 'GET' ? undefined : await bodyOf(request)
  let params: unknown
  try {
    params = text === undefined ? paramsIn(searchOf(request)) : parseJson(text)
  } catch {
    throw new Refusal(400, 'expected a GraphQL request: its parts are not valid JSON', 'BAD_USER_INPUT')
  }
  const extensions = (params as { extensions?: unknown } | null)?.extensions ?? {}
  const bytes = text?.length ?? request.url?.length ?? 0
  return { params: { ...(params as object), extensions: extensions as OperationParams['extensions'] }, bytes }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of request) pieces.push(piece as Buffer)
  } catch {
    // The request was refused or broken off, and has its answer.
    throw new Refusal(400, 'the body is incomplete', 'BAD_USER_INPUT')
  }
  return Buffer.concat(pieces).toString()
}

function paramsIn(search: URLSearchParams): object {
  const json = (name: string): unknown => {
    const text = search.get(name)
    return text ? parseJson(text) : undefined
  }
  const [query, operationName] = [search.get('query'), search.get('operationName') || undefined]
  return { query, operationName, variables: json('variables'), extensions: json('extensions') }
}

function searchOf({ url }: IncomingMessage): URLSearchParams {
  return new URL(url ?? '/', 'http://localhost').searchParams
}

function tokenOf(request: IncomingMessage): string | undefined {
  const header = request.headers[tokenHeader]
  if (typeof header === 'string') return header
  const token = searchOf(request).get('token')
  return token !== null && reservation.test(token) ? token : undefined
}

function statusOf(errors: readonly GraphQLError[], otherwise = 400): number {
  const code = errors[0]?.extensions['code']
  return typeof code === 'string' && code in errorTable ? errorTable[code as ErrorCode].http : otherwise
}
