import type { TypedDocumentString } from './generated/graphql.ts'
import { keepDigits } from './lossless.ts'
import { currentToken } from './token.ts'

/** An error that the gateway answered, or a connection that broke (`UNREACHABLE`). */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  /** The argument that is wrong, with `BAD_USER_INPUT`. */
  readonly field: string | undefined

  constructor(code: string, message: string, field?: string) {
    super(message)
    this.code = code
    this.field = field
  }
}

export interface AnsweredFailure {
  readonly message: string
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** On every port with the console. */
export const endpoint = '/console/graphql'

/** The token that the gateway does not accept any longer. Nothing more is asked with it. */
let refused: { readonly token: string | undefined; readonly failure: Failure } | undefined

/** Called when the gateway does not accept the token any longer. */
let onSignedOut: (failure: Failure) => void | Promise<void> = () => undefined
export function whenSignedOut(listener: typeof onSignedOut): void {
  onSignedOut = listener
}

/** Executes a query or mutation. Rejects with `Failure`. */
export async function execute<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables?: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  if (refused && refused.token === currentToken()) throw refused.failure
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      authorization: `Bearer ${currentToken() ?? ''}`,
    },
    body: JSON.stringify({ query: document.toString(), variables }),
    signal: signal ?? null,
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Failure('UNREACHABLE', 'The gateway does not answer.')
  })
  const text = await response.text()
  let body: { data?: Result | null; errors?: AnsweredFailure[] }
  try {
    body = JSON.parse(text, keepDigits) as typeof body
  } catch {
    throw new Failure('UNREACHABLE', `The gateway answered ${response.status} without JSON.`)
  }
  const [first] = body.errors ?? []
  if (first) throw failureOf(first)
  if (!body.data) throw new Failure('UNREACHABLE', `The gateway answered ${response.status} without data.`)
  return body.data
}

/** The failure of an answered error. A rejected token asks for another one. */
export function failureOf({ message, extensions }: AnsweredFailure): Failure {
  const { code, field } = extensions ?? {}
  const failure = new Failure(
    typeof code === 'string' ? code : 'ERROR',
    message,
    typeof field === 'string' ? field : undefined,
  )
  if (failure.code === 'UNAUTHENTICATED') {
    refused = { token: currentToken(), failure }
    void onSignedOut(failure)
  }
  return failure
}
