import { connectGraphql, type Operation } from '../../support/frames/graphql-frames.ts'

/** One event of a channel with all fields of the contract. */
export interface DeliveredEvent {
  readonly kind: 'MESSAGE' | 'GAP' | 'CHECKPOINT'
  readonly cursor: string
  readonly clientId: string
  readonly data: unknown
  readonly type: string | null
  readonly contentType: string | null
  readonly messageId: string | null
  readonly headers: Record<string, unknown> | null
  readonly exchange: string | null
  readonly routingKey: string | null
  readonly redelivered: boolean
  readonly publishedAt: string | null
  readonly receivedAt: string
  readonly gap: { readonly reason: string } | null
}

export const channelQuery = `subscription Everything($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) {
    kind cursor clientId data type contentType messageId headers exchange routingKey redelivered publishedAt receivedAt gap { reason }
  }
}`

/** With the arguments that the last release does not know. */
export const channelQueryWithOptions = `subscription Everything($clientId: ID!, $after: Cursor, $last: Int, $every: String, $position: String, $autoAck: AutoAck) {
  channel(clientId: $clientId, after: $after, last: $last, every: $every, position: $position, autoAck: $autoAck) {
    kind cursor clientId data type contentType messageId headers exchange routingKey redelivered publishedAt receivedAt gap { reason }
  }
}`

export interface GraphqlError {
  readonly message: string
  readonly extensions?: { readonly code?: string; readonly field?: string }
}

/** Runs an operation over HTTP with a token. Resolves to the data; rejects with `Refused`. */
export type Call = <Data = Record<string, unknown>>(query: string, variables?: Record<string, unknown>) => Promise<Data>

export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string | undefined

  constructor(errors: readonly GraphqlError[]) {
    super(errors.map(({ message }) => message).join('; '))
    this.code = errors[0]?.extensions?.code
  }
}

export function callerOf(graphqlUrl: string, token: string): Call {
  return async <Data>(query: string, variables: Record<string, unknown> = {}) => {
    const response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as { data?: Data; errors?: GraphqlError[] }
    if (errors || data === undefined || data === null) throw new Refused(errors ?? [])
    return data
  }
}

export const createRabbitChannel = `mutation Make($input: CreateRabbitChannelInput!) {
  createRabbitChannel(input: $input) { id exchange exchangeType routingKey }
}`

export const deleteRabbitChannel = `mutation Delete($id: ID!) { deleteRabbitChannel(id: $id) }`

export const publish = `mutation Publish($input: PublishInput!) { publish(input: $input) { messageId } }`

/** A subscription to a channel on its own connection. */
export interface ChannelListener extends AsyncDisposable {
  readonly operation: Operation
  /** Resolves when the connection is closed. */
  readonly closed: Promise<{ code: number }>
  next(withinMs?: number): Promise<DeliveredEvent>
  /** Takes the next `count` events, in order. */
  take(count: number, withinMs?: number): Promise<DeliveredEvent[]>
}

/** Subscribes over graphql-transport-ws, frame by frame. */
export async function listen(
  graphqlSocketUrl: string,
  token: string,
  variables: { clientId: string; after?: string },
): Promise<ChannelListener> {
  const client = await connectGraphql(graphqlSocketUrl, { connectionParams: { token } })
  const operation = client.subscribe(channelQuery, variables)
  const next = async (withinMs?: number) => {
    const { data, errors } = await operation.next(withinMs)
    if (errors || !data) throw new Error(`the subscription was answered with ${JSON.stringify(errors)}`)
    return data['channel'] as DeliveredEvent
  }
  return {
    operation,
    closed: client.closed,
    next,
    async take(count, withinMs) {
      const events: DeliveredEvent[] = []
      while (events.length < count) events.push(await next(withinMs))
      return events
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}
