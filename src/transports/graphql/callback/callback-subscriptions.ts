import type { ServerResponse } from 'node:http'
import { type ExecutionResult, GraphQLError } from 'graphql'
import type { GraphQLParams, Plugin } from 'graphql-yoga'
import { badInput, GatewayError } from '../../../errors.ts'
import { acceptOf, isAsyncIterable } from '../answer-forms.ts'
import type { ResultSources } from '../streaming/result-sources.ts'
import { AllowedUrls } from './allowed-urls.ts'
import { CallbackDelivery, callbackForm } from './callback-delivery.ts'
import { callbackRequestIn, wantsCallback } from './callback-request.ts'
import { CallbackSender, callbackHeaders } from './callback-sender.ts'

/** How long the last messages may take when the gateway closes, in milliseconds. */
const closeMs = 2_000

interface OperationContext {
  readonly request?: Request
  readonly params?: GraphQLParams
}

export interface CallbackSubscriptionsOptions {
  /** URL prefixes; empty: the protocol is off. */
  readonly urls: readonly string[]
  readonly sources: ResultSources
  readonly warn: (text: string, details: Record<string, unknown>) => void
}

/**
 * Subscriptions with results that are posted to a router, which answers each message (HTTP callback
 * protocol 1.0). The request itself is answered when the router has confirmed its URL.
 * https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/callback-protocol
 */
export class CallbackSubscriptions {
  readonly #options: CallbackSubscriptionsOptions
  readonly #urls: AllowedUrls
  readonly #sender: CallbackSender

  constructor(options: CallbackSubscriptionsOptions) {
    this.#options = options
    this.#sender = new CallbackSender(options.warn)
    this.#urls = new AllowedUrls(options.urls)
  }

  readonly plugin: Plugin = {
    onSubscribe: ({ args }) => {
      const { request, params } = args.contextValue as OperationContext
      if (request && wantsCallback(acceptOf(request), params?.extensions)) this.#check(params)
    },
    onResultProcess: (payload) => {
      const { request, result, serverContext } = payload
      const { params, res } = serverContext as { params?: GraphQLParams; res?: ServerResponse }
      if (!isAsyncIterable(result) || !wantsCallback(acceptOf(request), params?.extensions)) return
      payload.setResultProcessor(async (_result, fetchAPI) => {
        const error = await this.#begin(request, params, result, res)
        const body = error ? { errors: [error] } : { data: null }
        return new fetchAPI.Response(JSON.stringify(body), {
          status: error ? 400 : 200,
          headers: { 'content-type': 'application/json', ...callbackHeaders },
        })
      }, 'application/json')
    },
  }

  /** Resolves when the last messages are sent. Call it after the sessions have ended. */
  close(): Promise<void> {
    return this.#sender.close(closeMs)
  }

  async #begin(
    request: Request,
    params: GraphQLParams | undefined,
    result: AsyncIterable<ExecutionResult>,
    response: ServerResponse | undefined,
  ): Promise<GraphQLError | undefined> {
    const asked = callbackRequestIn(params?.extensions)
    const form = callbackForm(asked)
    const { stream, results } = this.#options.sources.of(request, form, result)
    const url = this.#urlIn(params)
    if (!stream) throw new Error('a subscription has no session')
    const { heartbeatIntervalMs: heartbeatMs } = asked
    const delivery = new CallbackDelivery({ form, url, heartbeatMs, results, stream, sender: this.#sender })
    const isConfirmed = await delivery.check()
    if (response?.destroyed) return undefined
    if (!isConfirmed) {
      stream.session.end('client')
      await results.cancel()
      return new GraphQLError('extensions.subscription.callbackUrl: the URL did not confirm the check message by 204', {
        extensions: { code: 'BAD_USER_INPUT', field: 'extensions.subscription.callbackUrl' },
      })
    }
    stream.detachFromResponse?.()
    delivery.begin()
    return undefined
  }

  /** A request that asks for callbacks in vain is answered with 400, whatever it accepts. */
  #check(params: GraphQLParams | undefined): void {
    try {
      this.#urlIn(params)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      const { message, code, field } = error
      throw new GraphQLError(message, { extensions: { code, field, http: { status: 400, headers: callbackHeaders } } })
    }
  }

  #urlIn(params: GraphQLParams | undefined): URL {
    const { callbackUrl } = callbackRequestIn(params?.extensions)
    const url = this.#urls.parse(callbackUrl)
    if (url) return url
    const field = 'extensions.subscription.callbackUrl'
    throw badInput(
      field,
      this.#urls.isEmpty
        ? 'callbacks are off: the operator has to set WARREN_CALLBACK_URLS'
        : 'expected a URL within WARREN_CALLBACK_URLS',
    )
  }
}
