import { asError } from '../../../core/model/error-text.ts'

/** RabbitMQ's reply when it closes a channel or a connection, parsed from amqplib's error. */
export interface BrokerReply {
  readonly code: number
  /** RabbitMQ's own text, without its leading constant. */
  readonly text: string
  /** Whether it answers basic.publish, which RabbitMQ can only refuse by closing the channel. */
  readonly toPublish: boolean
}

/** The reply codes of AMQP 0-9-1 §1.2 that the gateway handles. */
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
 * The hard errors of AMQP 0-9-1 §1.2: RabbitMQ closes the connection because of a method that the
 * client sent, or because RabbitMQ failed while it processed that method. 320 (connection-forced)
 * comes from an operator, an alarm or a shutdown. A connection that just breaks has no code.
 */
const faultCodes = new Set([501, 502, 503, 504, 505, 530, 540, 541])

/** The reply if RabbitMQ closed the connection because of something that was sent on it. */
export function connectionFaultOf(error: unknown): BrokerReply | undefined {
  const reply = replyOf(error)
  return reply && faultCodes.has(reply.code) ? reply : undefined
}

export function replyOf(error: unknown): BrokerReply | undefined {
  const match = /(\d{3}) \([A-Z-]+\) with message "(.*)"/s.exec(asError(error).message)
  if (!match) return undefined
  const { classId, methodId } = error as { classId?: unknown; methodId?: unknown }
  return {
    code: Number(match[1]),
    text: (match[2] ?? '').replace(/^[A-Z_]+ - /, ''),
    toPublish: classId === 60 && methodId === 40,
  }
}

export function repliedWith(error: unknown, code: number): boolean {
  return replyOf(error)?.code === code
}
