import { Inbox } from '../../support/frames/inbox.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'
import type { TypedDocumentString } from '../generated/graphql.ts'

/** Opens a client of one of the published libraries. Without a token it is anonymous. */
export type Connect = (
  gateway: Pick<InProcessGateway, 'graphqlUrl' | 'graphqlSocketUrl'>,
  token?: string,
) => PublishedClient

/** The common features of the libraries, with types generated from `schema/operations`. */
export interface PublishedClient extends AsyncDisposable {
  /** Runs a query or a mutation. Rejects with `Refused`. */
  run<Result, Variables>(document: TypedDocumentString<Result, Variables>, variables: Variables): Promise<Result>
  subscribe<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
  ): CollectedResults<Result>
}

export interface CollectedResults<Result> {
  /** Rejects with `Refused` if the gateway answered with errors. */
  next(): Promise<Result>
  stop(): void
}

/** The gateway answered with errors; their codes, as the library reports them. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly codes: readonly unknown[]

  constructor(errors: readonly { message: string; extensions?: { [name: string]: unknown } }[]) {
    super(errors.map(({ message }) => message).join('; '))
    this.codes = errors.map(({ extensions }) => extensions?.['code'])
  }
}

/** For libraries that need more than the text: each document has one named operation. */
export function operationOf(document: { toString(): string }): {
  text: string
  kind: 'query' | 'mutation' | 'subscription'
  name: string
} {
  const text = document.toString().trim()
  const [, kind, name] = /^(query|mutation|subscription) (\w+)/.exec(text) ?? []
  if (kind === undefined || name === undefined)
    throw new Error(`expected a document with a named operation, got ${text}`)
  return { text, kind: kind as 'query', name }
}

/** Results as the libraries return them: errors with data, or data alone. */
export interface Answer<Result> {
  readonly data?: Result | null | undefined
  readonly errors?: readonly { message: string; extensions?: { [name: string]: unknown } }[] | undefined
}

export function dataOf<Result>({ data, errors }: Answer<Result>): Result {
  if (errors && errors.length > 0) throw new Refused(errors)
  if (data === null || data === undefined) throw new Error('neither data nor errors came')
  return data
}

/**
 * Queues the results of a subscription. `start` gets the callbacks for the library, and returns the
 * function that stops it.
 */
export function collect<Result>(
  start: (sink: {
    next: (answer: Answer<Result>) => void
    error: (error: unknown) => void
    complete: () => void
  }) => () => void,
): CollectedResults<Result> {
  const inbox = new Inbox<Result>('a result of the subscription')
  const fail = (error: unknown) => inbox.end(errorOf(error))
  const stop = start({
    next(answer) {
      try {
        inbox.push(dataOf(answer))
      } catch (error) {
        fail(error)
      }
    },
    error: fail,
    complete: () => inbox.end(new Error('the subscription has ended')),
  })
  return { next: () => inbox.next(), stop }
}

function errorOf(error: unknown): Error {
  // The clients of graphql-ws and graphql-sse reject with the list of received errors.
  if (Array.isArray(error)) return new Refused(error as { message: string }[])
  return error instanceof Error ? error : new Error(`the library failed with ${JSON.stringify(error)}`)
}
