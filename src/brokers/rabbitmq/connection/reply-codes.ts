import { asError } from '../../../core/model/error-text.ts'

/**
 * What RabbitMQ says when it closes a channel or a connection, as amqplib hands it over in an
 * error.
 */
export interface BrokerReply {
  readonly code: number
  /** RabbitMQ's own sentence, without its leading constant. */
  readonly text: string
  /**
   * Whether it answers a publication (basic.publish, which has no other answer than the end of the
   * channel).
   */
  readonly toPublish: boolean
}

/** The codes of AMQP 0-9-1 §1.2 that have a meaning to the gateway. */
export const replyCodes = {
  connectionForced: 320,
  accessRefused: 403,
  notFound: 404,
  resourceLocked: 405,
  preconditionFailed: 406,
  notAllowed: 530,
  internalError: 541,
} as const

/**
 * What RabbitMQ ends a connection with over something that was sent on it, or over a failure of its
 * own while it handled that: the hard errors of AMQP 0-9-1 §1.2. 320 (connection-forced) is an
 * operator, an alarm or a shutdown, and a connection that just breaks has no code at all.
 */
const faultCodes = new Set([501, 502, 503, 504, 505, 530, 540, 541])

/** Why RabbitMQ ended a connection, if it did that over what was sent. */
export function connectionFaultOf(error: unknown): BrokerReply | undefined {
  const reply = replyOf(error)
  return reply && faultCodes.has(reply.code) ? reply : undefined
}

export function replyOf(error: unknown): BrokerReply | undefined {
  const said = /(\d{3}) \([A-Z-]+\) with message "(.*)"/s.exec(asError(error).message)
  if (!said) return undefined
  const { classId, methodId } = error as { classId?: unknown; methodId?: unknown }
  return {
    code: Number(said[1]),
    text: (said[2] ?? '').replace(/^[A-Z_]+ - /, ''),
    toPublish: classId === 60 && methodId === 40,
  }
}

export function repliedWith(error: unknown, code: number): boolean {
  return replyOf(error)?.code === code
}
