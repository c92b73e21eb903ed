import type { IncomingMessage } from 'node:http'
import type { Plugin } from 'graphql-yoga'
import { RateLimit } from '../../core/limits/rate-limit.ts'
import { anonymous, type Identity } from '../../core/model/identity.ts'
import { mayPublish } from '../../core/sessions/authorizer.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { GatewayError } from '../../errors.ts'
import { addressOf } from '../http/peer-address.ts'
import { bearerOf } from './context.ts'

/** A back end publishes for all of its clients. */
const publisherFactor = 10
/** `Retry-After` of a refused client, in seconds. */
export const retryAfterSeconds = 1

/**
 * Rejects with `LIMIT_EXCEEDED` if the caller sent too many requests within a second.
 * `authorization`: the header, or the token in the URL.
 */
export type AdmitRequest = (request: IncomingMessage, authorization: string | undefined) => Promise<void>

/**
 * Counts HTTP requests by client id, or by address without a client id. It counts before the body
 * is read, because parsing and validating cost as much as executing. So a token in
 * `extensions.headers` is not known yet.
 */
export function admitRequests({
  limits,
  proxyHops,
  identify,
}: {
  readonly limits: { readonly maxSubscribeRate: number }
  readonly proxyHops: number
  readonly identify: (authorization: string) => Promise<Identity>
}): AdmitRequest {
  const rates = new RateLimit()
  return async (request, authorization) => {
    const identity = authorization === undefined ? anonymous : await identify(authorization).catch(() => anonymous)
    const payer = payerOf(identity, addressOf(request, proxyHops)) ?? ''
    const publishes = mayPublish(identity)
    const max = limits.maxSubscribeRate * (publishes ? publisherFactor : 1)
    if (rates.exceeds(publishes ? `publisher ${payer}` : payer, max) === undefined) return
    const caller = identity.clientId === undefined ? 'an address' : 'a client'
    throw new GatewayError('LIMIT_EXCEEDED', `at most ${max} HTTP requests a second from ${caller}`, {
      limit: 'WARREN_MAX_SUBSCRIBE_RATE',
    })
  }
}

/** The same limit for `/graphql`, with a GraphQL error as the answer. */
export function requestRates(admit: AdmitRequest, onRefusal: (error: GatewayError) => void): Plugin {
  return {
    async onRequest(payload) {
      const { request, serverContext, fetchAPI } = payload
      const { req } = serverContext as { req?: IncomingMessage }
      if (!req || request.method === 'OPTIONS') return
      try {
        await admit(req, bearerOf(request))
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        onRefusal(error)
        const { code, limit, message } = error
        payload.endResponse(
          new fetchAPI.Response(JSON.stringify({ errors: [{ message, extensions: { code, limit } }] }), {
            status: 429,
            headers: {
              'content-type': 'application/json; charset=utf-8',
              'retry-after': String(retryAfterSeconds),
            },
          }),
        )
      }
    },
  }
}
