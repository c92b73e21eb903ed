import { type ExecutionResult, GraphQLError } from 'graphql'
import type { GraphQLParams, Plugin } from 'graphql-yoga'
import { JsonNumber } from '../../core/json/json-number.ts'
import { parseJson } from '../../core/json/parse-json.ts'
import { printJson } from '../../core/json/print-json.ts'

/** Reads requests as Yoga does (GraphQL over HTTP), but keeps all digits of numbers. */
export const losslessRequests: Plugin = {
  onRequestParse({ request, setRequestParser }) {
    const type = request.headers.get('content-type')?.split(/[,;]/)[0]?.trim()
    if (request.method === 'GET') setRequestParser(({ url }) => paramsOf(url.slice(url.indexOf('?') + 1)))
    else if (request.method !== 'POST') return
    else if (type === 'application/json' || type === 'application/graphql+json') setRequestParser(readBody)
    else if (type === 'application/x-www-form-urlencoded') {
      setRequestParser(async (form) => paramsOf(await form.text()))
    }
  },
}

function paramsOf(encoded: string): GraphQLParams {
  const search = new URLSearchParams(encoded)
  const objectIn = (name: string): Record<string, unknown> | undefined => {
    const text = search.get(name)
    return text ? (jsonOf(text, `"${name}": expected valid JSON`, name) as Record<string, unknown>) : undefined
  }
  return withObjects({
    operationName: search.get('operationName') || undefined,
    query: search.get('query') || undefined,
    variables: objectIn('variables'),
    extensions: objectIn('extensions'),
    ...(search.get('documentId') ? { documentId: search.get('documentId') } : {}),
  })
}

async function readBody(request: Request): Promise<GraphQLParams> {
  const body = jsonOf(await textOf(request), invalidBody)
  // A batch, which `batches` admits or refuses.
  if (Array.isArray(body)) return body.map((one) => (isObject(one) ? withObjects(one) : one)) as GraphQLParams
  if (isObject(body)) return withObjects(body)
  const type = body instanceof JsonNumber ? 'number' : body === null ? 'null' : typeof body
  throw new GraphQLError(`POST body is expected to be object but received ${type}`, {
    extensions: { http: { status: 400 }, code: 'BAD_REQUEST' },
  })
}

function isObject(value: unknown): value is GraphQLParams {
  return typeof value === 'object' && value !== null && !(value instanceof JsonNumber)
}

const invalidBody = 'POST body sent invalid JSON.'

/**
 * Yoga checks that these are objects. A `JsonNumber` is an object too and must not pass. An empty
 * `operationName` counts as none, as in a URL.
 */
function withObjects(params: GraphQLParams): GraphQLParams {
  const { variables, extensions } = params
  if (params.operationName === '') delete params.operationName
  if (!(variables instanceof JsonNumber || extensions instanceof JsonNumber)) return params
  throw badRequest('"variables" and "extensions": expected objects, got a number')
}

async function textOf(request: Request): Promise<string> {
  try {
    return await request.text()
  } catch {
    throw badRequest(invalidBody)
  }
}

/** `field`: the parameter of the URL that has the text. */
function jsonOf(text: string, message: string, field?: string): unknown {
  try {
    return parseJson(text)
  } catch {
    throw badRequest(message, field)
  }
}

function badRequest(message: string, field?: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { http: { status: 400 }, code: 'BAD_REQUEST', ...(field && { field }) },
  })
}

/** Yoga prints a result with its `stringify` function, if it has one. */
const withPrinter = <Result extends ExecutionResult>(result: Result): Result =>
  Object.assign({ ...result }, { stringify: printJson })

/** Prints results with all digits of numbers. */
export const losslessResults: Plugin = {
  onExecute: () => ({
    onExecuteDone({ result, setResult }) {
      if (!isAsyncIterable(result)) setResult(withPrinter(result))
    },
  }),
  onSubscribe: () => ({
    onSubscribeResult: () => ({
      onNext: ({ result, setResult }) => setResult(withPrinter(result)),
    }),
  }),
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
