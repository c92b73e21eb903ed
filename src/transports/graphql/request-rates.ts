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
/** What a client that was refused is told to wait, in seconds. */
export const retryAfterSeconds = 1

/**
 * Rejects with `LIMIT_EXCEEDED` where the caller has asked too often within a second.
 * `authorization`: the header, or what stands in its place.
 */
export type AdmitRequest = (request: IncomingMessage, authorization: string | undefined) => Promise<void>

/**
 * Requests over HTTP are counted by client id, or by address where there is none. Before they are
 * read: parsing and validating what somebody sends costs as much as executing it. A token in
 * `extensions.headers` is not known yet then.
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
    const whose = identity.clientId === undefined ? 'an address' : 'a client'
    throw new GatewayError('LIMIT_EXCEEDED', `at most ${max} requests a second of ${whose} over HTTP`, {
      limit: 'WARREN_MAX_SUBSCRIBE_RATE',
    })
  }
}

/** The same for `/graphql`, in the form of its answers. */
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
