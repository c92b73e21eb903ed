import { type ExecutionResult, Kind, type OperationDefinitionNode, OperationTypeNode, parse } from 'graphql'
import { type AnsweredFailure, endpoint, failureOf } from '../../api/graphql.ts'
import { socket } from '../../api/live.ts'
import { keepDigits, PublishedNumber, printJson } from '../../api/lossless.ts'
import { currentToken } from '../../api/token.ts'
import type { EventLog } from './event-log.ts'

export interface ExplorerRequest {
  readonly query: string
  readonly operationName?: string | null | undefined
  readonly variables?: unknown
}

interface Observer {
  next: (value: unknown) => void
  error: (error: unknown) => void
  complete: () => void
}

interface Result {
  readonly data?: unknown
  readonly errors?: readonly AnsweredFailure[]
}

/**
 * Executes for GraphiQL with the token of the console: queries and mutations over HTTP,
 * subscriptions over the socket of the console. Their events go to the log.
 */
export function createFetcher(log: EventLog) {
  return (given: ExplorerRequest) => {
    const operations = operationsOf(given.query)
    const named = operations.find(({ name }) => name?.value === given.operationName)
    const only = operations.length === 1 ? operations[0] : undefined
    // GraphiQL reads the names of the operations in a text after a pause. A text that is executed
    // earlier comes with the name of an operation of the text before it.
    const request = only && !named ? { ...given, operationName: undefined } : given
    const operation = named ?? only
    if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return follow(request, log)
    // Its own introspection runs beside a subscription.
    if (request.operationName !== 'IntrospectionQuery') log.hide()
    return post(request)
  }
}

/** Empty if the text is invalid: the gateway explains what is wrong with it. */
function operationsOf(query: string): OperationDefinitionNode[] {
  try {
    return parse(query).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  } catch {
    return []
  }
}

async function post({ query, variables, operationName }: ExplorerRequest): Promise<ExecutionResult> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      authorization: `Bearer ${currentToken() ?? ''}`,
    },
    body: JSON.stringify({ query, variables, operationName }),
  })
  const result = JSON.parse(await response.text(), printable) as ExecutionResult & Result
  if (response.status === 401) result.errors?.slice(0, 1).map(failureOf)
  return result
}

/** GraphiQL prints results with `JSON.stringify`; a raw number keeps its digits. */
function printable(key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const kept = keepDigits(key, value, context)
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown }
  return kept instanceof PublishedNumber ? (rawJSON?.(kept.digits) ?? value) : kept
}

function follow(request: ExplorerRequest, log: EventLog) {
  return {
    subscribe(observer: Observer) {
      log.begin()
      // GraphiQL counts an operation as running until its first result.
      observer.next({})
      let ended = false
      const end = (kind: 'end' | 'failure', text: string): void => {
        if (ended) return
        ended = true
        log.add(kind, text)
        observer.complete()
      }
      // The view was left, or another operation took over.
      log.whenHidden(() => {
        ended = true
        stop()
      })
      const stop = socket().subscribe<unknown>(
        {
          query: request.query,
          variables: (request.variables ?? null) as Record<string, unknown> | null,
          operationName: request.operationName ?? null,
        },
        {
          next: (result) => log.add((result.errors?.length ?? 0) > 0 ? 'errors' : 'event', printJson(result)),
          error: (error) => end('failure', failureText(error)),
          complete: () => end('end', 'The gateway ended the subscription.'),
        },
      )
      return {
        unsubscribe: () => {
          end('end', 'You stopped the subscription.')
          stop()
        },
      }
    },
  }
}

function failureText(error: unknown): string {
  if (Array.isArray(error)) return printJson({ errors: error })
  const { code, reason } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown
    reason?: unknown
  }
  const why = typeof code === 'number' ? ` (${code}${reason === '' ? '' : ` ${String(reason)}`})` : ''
  return `The connection was lost${why}. Run the subscription again.`
}
