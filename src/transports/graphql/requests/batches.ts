import type { IncomingMessage } from 'node:http'
import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { type ErrorCode, GatewayError } from '../../../errors.ts'
import { gatewayError } from '../../../graphql/mask-error.ts'
import { bearerOf } from '../context.ts'
import { type AdmitRequest, retryAfterSeconds } from '../request-rates.ts'

export interface BatchOptions {
  /** 0: no batches. */
  readonly maxBatch: number
  readonly admitRequest: AdmitRequest
  readonly onRefusal: (code: ErrorCode) => void
}

/**
 * A list of operations in one POST, answered with a list of results. Each operation counts as a
 * request of its own for the rate, and has the limits of one.
 */
export function batches({ maxBatch, admitRequest, onRefusal }: BatchOptions): Plugin {
  const batched = new WeakSet<object>()
  return {
    onRequestParse: ({ request, serverContext }) => ({
      async onRequestParseDone({ requestParserResult: operations }) {
        if (!Array.isArray(operations)) return
        if (maxBatch === 0) throw badRequest('expected one operation; batches are off (WARREN_MAX_BATCH)')
        if (operations.length === 0) throw badRequest('expected at least one operation in the list')
        const { req } = serverContext as { req?: IncomingMessage }
        try {
          if (operations.length > maxBatch) throw tooMany(maxBatch, operations.length)
          batched.add(request)
          // The request itself was counted before it was read.
          for (const _ of operations.slice(1)) if (req) await admitRequest(req, bearerOf(request))
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error
          onRefusal(error.code)
          throw gatewayError(error, undefined, { http: statusOf(error) })
        }
      },
    }),
    onSubscribe({ args }) {
      const { request } = args.contextValue as { request?: object }
      if (!request || !batched.has(request)) return
      throw new GatewayError('BAD_USER_INPUT', 'a batch has no subscriptions: send this one alone', { field: 'query' })
    },
  }
}

function tooMany(max: number, got: number): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', `at most ${max} operations in a batch, got ${got}`, {
    limit: 'WARREN_MAX_BATCH',
  })
}

/** The same batch would be refused again, but not the same rate. */
function statusOf({ limit }: GatewayError): { status: number; headers?: Record<string, string> } {
  if (limit === 'WARREN_MAX_BATCH') return { status: 400 }
  return { status: 429, headers: { 'retry-after': String(retryAfterSeconds) } }
}

function badRequest(message: string): GraphQLError {
  return new GraphQLError(`body: ${message}`, { extensions: { http: { status: 400 }, code: 'BAD_REQUEST' } })
}
