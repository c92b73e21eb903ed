import { asError } from '../../../core/model/error-text.ts'
import { GatewayError } from '../../../errors.ts'
import type { BrokerAddress } from './address.ts'
import { NoAnswer } from './connect.ts'
import { Unresponsive } from './node-list.ts'
import { VirtualHostRefused } from './open-refusal.ts'
import { type BrokerReply, replyCodes, replyOf } from './reply-codes.ts'

/**
 * Returns one sentence for an operator about a failure of the connection to RabbitMQ. It never
 * contains a password.
 */
export function describeFailure(thrown: unknown, address: BrokerAddress): string {
  const error = asError(thrown)
  const node = `${address.host}:${address.port}`
  if (error instanceof GatewayError) return error.message
  if (error instanceof NoAnswer) return `RabbitMQ at ${node} did not answer within ${error.afterMs / 1000} s`
  if (error instanceof Unresponsive) return `RabbitMQ at ${node} is abandoned: ${error.message}`
  if (error instanceof VirtualHostRefused) return describeVirtualHost(error.text, address)
  const reply = replyOf(error)
  if (reply) return describeReply(reply, address)
  return describeNetwork(error, address) ?? `RabbitMQ at ${node}: ${error.message}`
}

function describeVirtualHost(text: string | undefined, { host, port, user, virtualHost }: BrokerAddress): string {
  const node = `${host}:${port}`
  if (text === undefined) {
    return `RabbitMQ at ${node} refused user "${user}" access to the virtual host "${virtualHost}": it does not exist, or the user lacks access`
  }
  if (/not found/.test(text)) return `RabbitMQ at ${node} has no virtual host "${virtualHost}"`
  if (/refused for user '[^']*'$/.test(text)) {
    return `no permission: user "${user}" may not enter the virtual host "${virtualHost}" of RabbitMQ at ${node}`
  }
  return `RabbitMQ at ${node} refused the virtual host "${virtualHost}": ${text}`
}

/** Describes why RabbitMQ closed a channel or the connection. */
export function describeReply({ code, text }: BrokerReply, { host, port, user }: BrokerAddress): string {
  const node = `${host}:${port}`
  switch (code) {
    case replyCodes.accessRefused:
      if (/^Login was refused|can only connect via localhost/.test(text)) {
        return /localhost/.test(text)
          ? `RabbitMQ at ${node} accepts user "${user}" only from its own machine: create another user`
          : `RabbitMQ at ${node} refused user "${user}": wrong user or password`
      }
      return `no permission: RabbitMQ refuses user "${user}": ${text}; warren doctor names every right that is missing`
    case replyCodes.preconditionFailed: {
      const limitReached = /queue limit in vhost '(.*)' \((\d+)\) is reached/s.exec(text)
      if (limitReached) {
        const [, virtualHost, limit] = limitReached
        return `the virtual host "${virtualHost}" has reached its limit of ${limit} queues: raise the limit (rabbitmqctl set_vhost_limits -p '${virtualHost}' '{"max-queues": …}'), or delete queues`
      }
      const conflict = /inequivalent arg '([^']*)' for (\w+) '([^']*)' in vhost '[^']*': (.*)$/s.exec(text)
      if (!conflict) return `RabbitMQ refused: ${text}`
      const [, argument, kind, name, difference] = conflict
      return `the ${kind} "${name}" exists in RabbitMQ with other arguments: ${argument}: ${difference}`
    }
    case replyCodes.notFound:
      return `RabbitMQ has ${text}`
    case replyCodes.resourceLocked:
      return `held by another connection: ${text}`
    case replyCodes.connectionForced:
      return `RabbitMQ at ${node} closed the connection: ${text}`
    default:
      return `RabbitMQ at ${node} ended the connection or channel with ${code}: ${text}`
  }
}

function describeNetwork(error: Error, { host, port, tls, heartbeatSeconds }: BrokerAddress): string | undefined {
  const node = `${host}:${port}`
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error.message === 'Heartbeat timeout') {
    return `RabbitMQ at ${node} fell silent: no heartbeat for ${2 * heartbeatSeconds} s`
  }
  if (code === 'ECONNREFUSED') return `RabbitMQ is not reachable at ${node}: nothing listens there`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `RabbitMQ is not reachable at ${node}: the name "${host}" cannot be resolved`
  }
  if (['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EACCES', 'EPERM'].includes(code)) {
    return `RabbitMQ is not reachable at ${node}: ${code}`
  }
  if (/abruptly during opening handshake|maxFrameSize|^Invalid frame/i.test(error.message)) {
    return `what listens at ${node} does not answer in AMQP 0-9-1${tls ? '' : '; should the URL begin with amqps:?'}`
  }
  if (tls && /SSL|CERT|TLS|SIGNATURE|ISSUER|wrong version/i.test(`${code} ${error.message}`)) {
    return `TLS with ${node} failed: ${code || error.message.trim()}`
  }
  if (['ECONNRESET', 'EPIPE', 'ABORT_ERR'].includes(code) || error.message === 'Unexpected close') {
    return `the connection to RabbitMQ at ${node} was lost${code && code !== 'ABORT_ERR' ? ` (${code})` : ''}`
  }
  return undefined
}
