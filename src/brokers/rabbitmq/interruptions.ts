import type { DriverOptions } from '../driver.ts'
import type { ConnectionOptions } from './connection/reconnecting-connection.ts'

/**
 * What does not work while connections of this purpose are down. The journal's connections are
 * missing, because the journal reports its own interruptions: it also detects a connection that is
 * up and silent.
 */
export const interrupted: Readonly<Record<string, string>> = {
  publishing: 'publications wait',
  administration: 'sources cannot be bound',
  control: 'control messages between replicas are not delivered',
  fanouts: 'messages of the room (fanout exchanges) are not received',
  requests: 'requests are not sent',
  'buffered sources': 'messages of buffered sources wait',
}

/** Returns options for one connection that also report its interruptions. */
export function reportingInterruptions(
  options: ConnectionOptions,
  onInterrupted: DriverOptions['onInterrupted'],
): ConnectionOptions {
  const what = interrupted[options.purpose]
  if (what === undefined || !onInterrupted) return options
  const part = {}
  const report = (reason: string | undefined): void => onInterrupted(part, what, reason)
  return {
    ...options,
    onUp: () => {
      report(undefined)
      options.onUp?.()
    },
    onDown: (reason) => {
      report(reason)
      options.onDown?.(reason)
    },
    onRetry: (reason, delayMs) => {
      report(reason)
      options.onRetry?.(reason, delayMs)
    },
    onBlocked: (reason) => {
      report(reason)
      options.onBlocked?.(reason)
    },
    onClosed: () => {
      report(undefined)
      options.onClosed?.()
    },
  }
}
