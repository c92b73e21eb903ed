import { type CloseReason, closeReasons } from '../../../close-reasons.ts'
import type { StreamForm } from './stream-form.ts'

/**
 * Every delimiter is sent with the part before it: clients read a part when they see its end. The
 * header names are in lower case, because Apollo iOS compares them with case.
 */
const delimiter = '\r\n--graphql'

function part(json: string): string {
  return `\r\ncontent-type: application/json\r\n\r\n${json}${delimiter}`
}

const lastDelimiter = '--\r\n'
const heartbeat = part('{}')

const headers = {
  'cache-control': 'no-cache, no-transform',
  connection: 'keep-alive',
  'x-accel-buffering': 'no',
}

/** Why the gateway ended the subscription, as a list of one GraphQL error. */
function errorsOf(reason: CloseReason): string {
  const { text, comeBack } = closeReasons[reason]
  return JSON.stringify([{ message: text, extensions: { code: reason, comeBack } }])
}

function endingWith(failure: (errors: string) => string): StreamForm['ending'] {
  return (reason) => (reason && reason !== 'NORMAL' ? failure(errorsOf(reason)) : '') + lastDelimiter
}

const apolloFailure = (errors: string): string => part(`{"payload":null,"errors":${errors}}`)
const plainFailure = (errors: string): string => part(`{"errors":${errors}}`)

/**
 * Apollo's multipart protocol: each result in `payload`, a failure of the transport beside it.
 * https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
 */
export const apolloMultipart: StreamForm = {
  mediaType: 'multipart/mixed;subscriptionspec=1.0',
  transport: 'multipart',
  // Apollo iOS looks for the parameter `subscriptionSpec` without quotes.
  headers: { ...headers, 'content-type': 'multipart/mixed; boundary=graphql; subscriptionSpec=1.0' },
  opening: () => delimiter + heartbeat,
  heartbeat,
  result: (json) => part(`{"payload":${json}}`),
  failure: apolloFailure,
  ending: endingWith(apolloFailure),
}

/** The same with bare results, for clients that ask for `multipart/mixed` alone. */
export const plainMultipart: StreamForm = {
  mediaType: 'multipart/mixed',
  transport: 'multipart',
  headers: { ...headers, 'content-type': 'multipart/mixed; boundary=graphql' },
  opening: () => delimiter + heartbeat,
  heartbeat,
  result: part,
  failure: plainFailure,
  ending: endingWith(plainFailure),
}
