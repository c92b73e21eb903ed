/**
 * All errors of Warren. An error *answers* one request and the session stays open; what ends a
 * session is in `close-reasons.ts`. `docs/errors.md` is printed from the two tables.
 */

export const errorTable = {
  UNAUTHENTICATED: { http: 401, retry: false, meaning: 'The caller is unknown: no token, or an invalid one.' },
  FORBIDDEN: { http: 403, retry: false, meaning: 'The caller is known, but its token does not allow this.' },
  BAD_USER_INPUT: { http: 400, retry: false, meaning: 'An argument is invalid; `field` names it.' },
  CLIENT_ID_TAKEN: { http: 409, retry: false, meaning: 'The client id is registered with another password.' },
  CHANNEL_NOT_FOUND: { http: 404, retry: false, meaning: 'The channel does not exist or was deleted.' },
  SOURCE_CONFLICT: {
    http: 409,
    retry: false,
    meaning: 'The source conflicts with RabbitMQ: another exchange type, other arguments, or no permission.',
  },
  BROKER_UNAVAILABLE: { http: 503, retry: true, meaning: 'RabbitMQ cannot be reached or did not confirm in time.' },
  REGISTRY_UNAVAILABLE: {
    http: 503,
    retry: true,
    meaning: 'The registry of clients and sources cannot be reached. Open subscriptions continue.',
  },
  DRAINING: {
    http: 503,
    retry: true,
    meaning: 'This replica is shutting down and accepts no new sessions. Other replicas do.',
  },
  LIMIT_EXCEEDED: { http: 429, retry: true, meaning: 'A limit was reached; `limit` names it.' },
  POSITION_TAKEN: {
    http: 409,
    retry: false,
    meaning:
      'Another subscription took the position of this one, or the position was deleted. Only this subscription ends.',
  },
  DELIVERY_FAILED: {
    http: 500,
    retry: true,
    meaning:
      'The gateway failed to deliver an event to this subscription because of a bug. Other subscriptions continue.',
  },
  INVALID_EVENT: {
    http: 500,
    retry: false,
    meaning: 'A message does not have the form that the schema declares; `pointer` is the place in its body.',
  },
  NO_RESPONDER: {
    http: 503,
    retry: true,
    meaning: 'No queue takes the message: no program that would handle it is running.',
  },
  REQUEST_TIMEOUT: {
    http: 504,
    retry: true,
    meaning: 'No reply came in time. The request may have been handled.',
  },
  STATE_UNAVAILABLE: {
    http: 503,
    retry: true,
    meaning: 'The keyed state of a field cannot be read now: it is being built, or its database is away.',
  },
  PERSISTED_QUERY_NOT_FOUND: {
    http: 404,
    retry: false,
    meaning: 'The gateway does not know the document of this hash or id. Send its text too.',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    http: 400,
    retry: false,
    meaning: 'The version of `persistedQuery` is not 1. Send the text of the document.',
  },
  PAYLOAD_TOO_LARGE: { http: 413, retry: false, meaning: 'The message is larger than the gateway accepts.' },
} as const satisfies Record<string, { http: number; retry: boolean; meaning: string }>

/** Codes of HTTP requests that reach no operation. `docs/errors.md` prints them. */
export const requestErrorTable = {
  BAD_REQUEST: {
    http: '400',
    meaning: 'The body, or a parameter of the URL, is invalid; `field` names a parameter.',
  },
  GRAPHQL_PARSE_FAILED: { http: '400, or 200 for `application/json`', meaning: 'The document has a syntax error.' },
  GRAPHQL_VALIDATION_FAILED: {
    http: '400, or 200 for `application/json`',
    meaning: 'The document does not fit the schema.',
  },
  OPERATION_RESOLUTION_FAILURE: {
    http: '400',
    meaning: 'The document does not have the operation of `operationName`.',
  },
  NOT_FOUND: { http: '404', meaning: 'Nothing is served at the path, or no event stream has the token.' },
  METHOD_NOT_ALLOWED: {
    http: '405',
    meaning: 'The path is not served with this method; `Allow` names those that are.',
  },
  NOT_ACCEPTABLE: { http: '406', meaning: '`Accept` has no type that can answer; the message names those that can.' },
  UPGRADE_REQUIRED: { http: '426', meaning: 'The path is for WebSockets.' },
} as const satisfies Record<string, { http: string; meaning: string }>

export type ErrorCode = keyof typeof errorTable

/**
 * Answers one request. The message states what was expected, what came, and where. The session
 * stays open.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  /** The wrong argument, as a client spells it (`input.routingKey`). Only with `BAD_USER_INPUT`. */
  readonly field: string | undefined
  /** The option of the limit that was reached. Only with `LIMIT_EXCEEDED`. */
  readonly limit: string | undefined
  /**
   * Whether the request was sent before the broker was lost, so that a responder may have handled
   * it. Only with `BROKER_UNAVAILABLE`.
   */
  readonly mayHaveRun: boolean
  /**
   * Whether another token helps. `useless`: the client is banned, whatever its token. `unneeded`:
   * the token could not be checked, and may be valid. Undefined: it helps. Only with
   * `UNAUTHENTICATED`.
   */
  readonly newToken: 'useless' | 'unneeded' | undefined

  constructor(
    code: ErrorCode,
    message: string,
    details: {
      field?: string
      limit?: string
      mayHaveRun?: boolean
      newToken?: 'useless' | 'unneeded' | undefined
      cause?: unknown
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.field = details.field
    this.limit = details.limit
    this.mayHaveRun = details.mayHaveRun ?? false
    this.newToken = details.newToken
  }
}

/** `BAD_USER_INPUT` for one field. */
export function badInput(field: string, message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', `${field}: ${message}`, { field })
}
