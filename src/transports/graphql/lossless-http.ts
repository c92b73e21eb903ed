import { type ExecutionResult, GraphQLError } from 'graphql'
import type { GraphQLParams, Plugin } from 'graphql-yoga'
import { JsonNumber } from '../../core/json/json-number.ts'
import { parseJson } from '../../core/json/parse-json.ts'
import { printJson } from '../../core/json/print-json.ts'

/** Reads requests as Yoga does (GraphQL over HTTP), and numbers keep their digits. */
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
  const given = new URLSearchParams(encoded)
  const objectIn = (name: string): Record<string, unknown> | undefined => {
    const text = given.get(name)
    return text ? (jsonOf(text, `"${name}" is no valid JSON.`) as Record<string, unknown>) : undefined
  }
  return checkable({
    operationName: given.get('operationName') || undefined,
    query: given.get('query') || undefined,
    variables: objectIn('variables'),
    extensions: objectIn('extensions'),
  })
}

async function readBody(request: Request): Promise<GraphQLParams> {
  const body = jsonOf(await textOf(request), invalidBody)
  if (typeof body === 'object' && body !== null && !(body instanceof JsonNumber)) return checkable(body)
  const type = body instanceof JsonNumber ? 'number' : body === null ? 'null' : typeof body
  throw new GraphQLError(`POST body is expected to be object but received ${type}`, {
    extensions: { http: { status: 400 }, code: 'BAD_REQUEST' },
  })
}

const invalidBody = 'POST body sent invalid JSON.'

/** Yoga looks whether these are objects: a number must not pass for one. */
function checkable(params: GraphQLParams): GraphQLParams {
  const { variables, extensions } = params
  if (!(variables instanceof JsonNumber || extensions instanceof JsonNumber)) return params
  throw refusal('"variables" and "extensions" are expected to be objects but one is a number')
}

async function textOf(request: Request): Promise<string> {
  try {
    return await request.text()
  } catch (error) {
    throw refusal(invalidBody, error)
  }
}

function jsonOf(text: string, sentence: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw refusal(sentence, error)
  }
}

/** `spec`: only where the client takes application/graphql-response+json. */
function refusal(sentence: string, error?: unknown): GraphQLError {
  const originalError = error instanceof Error ? { name: error.name, message: error.message } : undefined
  return new GraphQLError(sentence, {
    extensions: { http: { spec: true, status: 400 }, code: 'BAD_REQUEST', ...(originalError && { originalError }) },
  })
}

/** Yoga prints a result with a function of its own, where it has one. */
const printed = <Result extends ExecutionResult>(result: Result): Result =>
  Object.assign({ ...result }, { stringify: printJson })

/** Prints results so that numbers keep their digits. */
export const losslessResults: Plugin = {
  onExecute: () => ({
    onExecuteDone({ result, setResult }) {
      if (!isAsyncIterable(result)) setResult(printed(result))
    },
  }),
  onSubscribe: () => ({
    onSubscribeResult: () => ({
      onNext: ({ result, setResult }) => setResult(printed(result)),
    }),
  }),
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
