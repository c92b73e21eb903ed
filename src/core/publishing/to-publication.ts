import { badInput, GatewayError } from '../../errors.ts'
import { checkDepth, maxDepth, UndecodableBody } from '../body/decode-body.ts'
import { idempotencyHeader } from '../delivery/deduplicator.ts'
import { JsonNumber } from '../json/json-number.ts'
import { printJson } from '../json/print-json.ts'
import { checkClientId } from '../model/channel-event.ts'
import type { Publication } from '../model/message.ts'
import { messageIdOf, newMessageId } from '../model/message-id.ts'
import { checkShortString } from '../model/short-string.ts'
import { defaultExchangeOf } from '../sources/default-source.ts'
import { isReservedExchange } from '../sources/reserved-exchanges.ts'

/** What a client wants to publish: to a client's channel, or to an exchange. */
export interface PublishRequest {
  readonly clientId?: string | null
  readonly exchange?: string | null
  readonly routingKey?: string | null
  readonly data?: unknown
  readonly type?: string | null
  readonly messageId?: string | null
  readonly headers?: unknown
  readonly idempotencyKey?: string | null
}

/** The length of a 64-bit integer with its sign, in characters. */
const maxIntegerLength = 20
/** How much of a rejected number the error quotes, in characters. */
const maxQuotedLength = 40

/**
 * Turns a request into a publication. Throws `BAD_USER_INPUT` with the name of the field, and
 * `FORBIDDEN` for a reserved exchange.
 */
export function publicationOf(
  request: PublishRequest,
  options: {
    namespace: string
    /**
     * The owner of the idempotency keys: equal keys of different publishers are different messages.
     */
    publisher: string
    /**
     * What the client's request has before the name of each field. Errors name the field with it.
     */
    prefix?: string
  },
): Publication & { messageId: string } {
  const { namespace, publisher, prefix = '' } = options
  const { exchange, routingKey } = destinationOf(request, namespace, prefix)
  const type = shortString(`${prefix}type`, request.type)
  const headers = headersOf(request.headers, `${prefix}headers`)
  const idempotencyKey = shortString(`${prefix}idempotencyKey`, request.idempotencyKey)
  if (idempotencyKey === '') throw badInput(`${prefix}idempotencyKey`, 'expected a non-empty string')
  const messageId =
    shortString(`${prefix}messageId`, request.messageId) ??
    (idempotencyKey === undefined ? newMessageId() : messageIdOf(`${publisher} ${idempotencyKey}`))
  return {
    exchange,
    routingKey,
    messageId,
    body: bodyOf(request.data, `${prefix}data`),
    properties: {
      contentType: 'application/json',
      messageId,
      timestamp: Date.now(),
      ...(type === undefined ? {} : { type }),
      ...(headers === undefined && idempotencyKey === undefined
        ? {}
        : {
            headers: {
              ...headers,
              ...(idempotencyKey === undefined ? {} : { [idempotencyHeader]: `${publisher} ${idempotencyKey}` }),
            },
          }),
    },
  }
}

function destinationOf(
  request: PublishRequest,
  namespace: string,
  prefix: string,
): { exchange: string; routingKey: string } {
  const { clientId, exchange, routingKey } = request
  if (clientId !== undefined && clientId !== null) {
    if ((exchange ?? undefined) !== undefined || (routingKey ?? undefined) !== undefined) {
      throw badInput(`${prefix}clientId`, 'expected either clientId, or exchange and routingKey, not both')
    }
    checkClientId(clientId, `${prefix}clientId`)
    return { exchange: defaultExchangeOf(namespace), routingKey: `client.${clientId}` }
  }
  if (exchange === undefined || exchange === null) {
    throw badInput(
      `${prefix}${routingKey === undefined || routingKey === null ? 'clientId' : 'exchange'}`,
      'expected either clientId, or exchange and routingKey',
    )
  }
  if (routingKey === undefined || routingKey === null)
    throw badInput(`${prefix}routingKey`, 'expected a routing key, because exchange is given')
  if (exchange === '')
    throw badInput(
      `${prefix}exchange`,
      'expected the name of an exchange, got the default exchange, which callers may not publish to',
    )
  if (exchange.startsWith(`${namespace}.`) && isReservedExchange(exchange)) {
    throw new GatewayError('FORBIDDEN', `exchange "${exchange}" is reserved for the gateway: name another exchange`)
  }
  return {
    exchange: shortString(`${prefix}exchange`, exchange) ?? '',
    routingKey: shortString(`${prefix}routingKey`, routingKey) ?? '',
  }
}

/**
 * Rejects a body that subscribers could not decode, while the publisher can still receive the
 * error.
 */
function bodyOf(data: unknown, field: string): Buffer {
  try {
    const body = Buffer.from(printJson(data ?? null) ?? 'null')
    checkDepth(body)
    return body
  } catch (error) {
    // JSON.stringify throws a RangeError for some thousands of levels.
    if (!(error instanceof UndecodableBody || error instanceof RangeError)) throw error
    throw badInput(field, `expected JSON that nests at most ${maxDepth} levels`)
  }
}

function shortString(field: string, value: string | null | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  checkShortString(field, value)
  return value
}

type Header = string | number | bigint | boolean

/**
 * Allows the header values that every AMQP client reads and a stream keeps: strings, numbers and
 * booleans.
 */
function headersOf(headers: unknown, field: string): Record<string, Header> | undefined {
  if (headers === undefined || headers === null) return undefined
  if (typeof headers !== 'object' || Array.isArray(headers) || headers instanceof JsonNumber)
    throw badInput(field, 'expected an object of names and values')
  const checked = Object.create(null) as Record<string, Header>
  for (const [name, value] of Object.entries(headers)) {
    // Gateways use these headers for replicas, idempotency keys and the reasons of the quarantine.
    if (/^x-warren-/i.test(name))
      throw badInput(`${field}.${name}`, 'expected another name: only gateways set headers that begin with x-warren-')
    if (name === 'CC' || name === 'BCC')
      throw badInput(
        `${field}.${name}`,
        'expected another name: RabbitMQ reads CC and BCC as lists of more routing keys',
      )
    if (Buffer.byteLength(name) > 128) throw badInput(field, 'expected names of at most 128 bytes')
    checked[name] = headerOf(value, `${field}.${name}`)
  }
  return checked
}

function headerOf(value: unknown, field: string): Header {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' || typeof value === 'bigint') return numericHeader(value, String(value), field)
  if (value instanceof JsonNumber) {
    // A BigInt has no sign of zero.
    if (value.token === '-0') return -0
    const number = value.isInteger && value.token.length <= maxIntegerLength ? BigInt(value.token) : value.exact
    if (number === undefined) throw notCarried(value.token, field)
    return numericHeader(number, value.token, field)
  }
  throw badInput(field, 'expected a string, a number or a boolean: RabbitMQ streams drop lists and tables')
}

/** AMQP has signed 64-bit integers and doubles. */
function numericHeader(number: number | bigint, token: string, field: string): number | bigint {
  if (typeof number === 'number' && !Number.isInteger(number)) {
    if (Number.isFinite(number)) return number
    throw notCarried(token, field)
  }
  if (Number.isSafeInteger(Number(number))) return Number(number)
  const integer = BigInt(number)
  if (BigInt.asIntN(64, integer) !== integer) throw notCarried(token, field)
  return integer
}

function notCarried(token: string, field: string): GatewayError {
  const got = token.length > maxQuotedLength ? `${token.slice(0, maxQuotedLength)}…` : token
  return badInput(
    field,
    `expected a signed 64-bit integer, a number that a double holds exactly, or a string, got ${got}, which AMQP cannot carry exactly`,
  )
}
