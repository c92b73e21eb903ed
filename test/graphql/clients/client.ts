import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core'
import type { Client } from 'graphql-ws'
import { Inbox } from '../../support/frames/inbox.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'

/** A document with the types that graphql-codegen generated for it. */
export interface TypedDocument<Result, Variables> {
  readonly __apiType?: DocumentTypeDecoration<Result, Variables>['__apiType']
  toString(): string
}

/**
 * Opens a client of one of the published libraries. Without a token it is anonymous. `socket` makes
 * the graphql-ws client through which the library subscribes.
 */
export type Connect = (
  gateway: Pick<InProcessGateway, 'graphqlUrl' | 'graphqlSocketUrl'>,
  token?: string,
  socket?: (url: string, token?: string) => Client,
) => PublishedClient

/** The common features of the libraries, with types generated from operations. */
export interface PublishedClient extends AsyncDisposable {
  /** Runs a query or a mutation. Rejects with `Refused`. */
  run<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables): Promise<Result>
  /** All that the library gives to an application, errors and the end included. */
  listen<Result, Variables>(document: TypedDocument<Result, Variables>, variables: Variables): Listening<Result>
  /** The results alone. */
  subscribe<Result, Variables>(
    document: TypedDocument<Result, Variables>,
    variables: Variables,
  ): CollectedResults<Result>
}

export interface Listening<Result> {
  readonly shown: Inbox<Shown<Result>>
  readonly stop: () => void
}

/** What an application is given. After `ended` the library gives nothing more. */
export interface Shown<Result> {
  readonly data?: Result | null | undefined
  readonly errors?: Errors | undefined
  readonly extensions?: { readonly [name: string]: unknown } | undefined
  readonly ended?: 'error' | 'complete'
  /** Why it ended, if that was no answer with errors. */
  readonly cause?: Error
}

export type Errors = readonly { readonly message: string; readonly extensions?: { readonly [name: string]: unknown } }[]

export interface CollectedResults<Result> {
  /** Rejects with `Refused` if the gateway answered with errors. */
  next(): Promise<Result>
  stop(): void
}

/** The gateway answered with errors; their codes, as the library reports them. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly errors: Errors
  readonly codes: readonly unknown[]

  constructor(errors: Errors) {
    super(errors.map(({ message }) => message).join('; '))
    this.errors = errors
    this.codes = errors.map(({ extensions }) => extensions?.['code'])
  }
}

/** What a library must implement to be a `PublishedClient`. */
export interface Library {
  /** `Result` is the caller's, who has it from the document. */
  run<Result>(text: string, variables: Record<string, unknown>): Promise<Result>
  /** Starts a subscription and returns the function that stops it. */
  listen(text: string, variables: Record<string, unknown>, sink: ListeningSink): () => void
  close(): unknown
}

export interface ListeningSink {
  readonly next: (shown: Omit<Shown<unknown>, 'ended' | 'cause'>) => void
  /** Takes the errors as libraries throw them. */
  readonly error: (error: unknown) => void
  readonly complete: () => void
}

export function publishedClient(library: Library): PublishedClient {
  const listen: PublishedClient['listen'] = <Result, Variables>(
    document: TypedDocument<Result, Variables>,
    variables: Variables,
  ) => {
    const shown = new Inbox<Shown<Result>>('what the library gives to the application')
    const stop = library.listen(document.toString().trim(), variables as Record<string, unknown>, {
      next: (result) => shown.push(result as Shown<Result>),
      error(error) {
        const cause = errorOf(error)
        shown.push({ ended: 'error', cause, ...(cause instanceof Refused ? { errors: cause.errors } : {}) })
      },
      complete: () => shown.push({ ended: 'complete' }),
    })
    return { shown, stop }
  }
  return {
    run: (document, variables) =>
      library.run(document.toString().trim(), variables as Record<string, unknown>).catch((error: unknown) => {
        throw errorOf(error)
      }) as Promise<never>,
    listen,
    subscribe(document, variables) {
      const { shown, stop } = listen(document, variables)
      let failure: Error | undefined
      return {
        async next() {
          if (failure !== undefined) throw failure
          try {
            return resultOf(await shown.next())
          } catch (error) {
            failure = errorOf(error)
            throw failure
          }
        },
        stop,
      }
    },
    [Symbol.asyncDispose]: async () => void (await library.close()),
  }
}

function resultOf<Result>({ data, errors, ended, cause }: Shown<Result>): Result {
  if (ended === 'complete') throw new Error('the subscription has ended')
  if (ended === 'error' && cause !== undefined) throw cause
  return dataOf({ data, errors })
}

/** Results as the libraries return them: errors with data, or data alone. */
export function dataOf<Result>({ data, errors }: Pick<Shown<Result>, 'data' | 'errors'>): Result {
  if (errors && errors.length > 0) throw new Refused(errors)
  if (data === null || data === undefined) throw new Error('neither data nor errors came')
  return data
}

/** Libraries throw errors with the list of received errors in it, or the list itself. */
function errorOf(error: unknown): Error {
  if (Array.isArray(error)) return new Refused(error as never)
  if (!(error instanceof Error)) return new Error(`the library failed with ${JSON.stringify(error)}`)
  const { errors, graphQLErrors, source, response } = error as {
    errors?: Errors
    graphQLErrors?: Errors
    source?: { errors?: Errors }
    response?: { errors?: Errors }
  } & Error
  const received = errors ?? graphQLErrors ?? source?.errors ?? response?.errors
  return error instanceof Refused || !Array.isArray(received) || received.length === 0 ? error : new Refused(received)
}

/** For libraries that need more than the text: each document has one named operation. */
export function operationOf(text: string): { kind: 'query' | 'mutation' | 'subscription'; name: string } {
  const [, kind, name] = /^(query|mutation|subscription) (\w+)/.exec(text) ?? []
  if (kind === undefined || name === undefined)
    throw new Error(`expected a document with a named operation, got ${text}`)
  return { kind: kind as 'query', name }
}
