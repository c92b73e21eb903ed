/** A message for the gateway under test: to a client's channel, or to an exchange. */
export interface TestMessage {
  readonly clientId?: string
  /** Default: that of the default source. */
  readonly exchange?: string
  /** Needed without `clientId`. */
  readonly routingKey?: string
  /** Any JSON value. */
  readonly data: unknown
  readonly type?: string
  readonly messageId?: string
  readonly headers?: Readonly<Record<string, unknown>>
}

export interface TestGrant {
  /** The client that the token identifies. */
  readonly clientId?: string
  /** Such as `operator`, `publish` or `channel:team.#`. Default: none. */
  readonly scope?: readonly string[]
  /** On the clock of the gateway. Default: a day. */
  readonly ttlSeconds?: number
}

/** What the worker of a gateway under test is asked for. */
export type TestRequest =
  | { readonly kind: 'publish'; readonly message: TestMessage }
  | { readonly kind: 'token'; readonly grant: TestGrant }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'now' }
  | { readonly kind: 'close' }

/** To the worker. */
export interface TestCall {
  readonly id: number
  readonly request: TestRequest
}

/**
 * From the worker. The first answer has the id 0: the gateway is open, and `value` is the URL of
 * `/graphql`.
 */
export type TestAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string; readonly code: string | undefined }

/** Given to the worker when it starts. */
export interface TestWorkerData {
  /** The options of the gateway, as its environment. */
  readonly env: Readonly<Record<string, string>>
  readonly secret: string
}
