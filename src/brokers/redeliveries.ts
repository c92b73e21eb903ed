/**
 * How often a message is delivered again after its callback rejected, before it is dead-lettered.
 * This is a constant and not an option because on RabbitMQ it is an argument of the group's queue.
 * All programs of the group must declare that queue with the same arguments.
 */
export const maxRedeliveries = 5

/** In milliseconds. The delay doubles with each redelivery of a message, up to the cap. */
const firstDelayMs = 50
const delayCapMs = 1_000

/**
 * The delay before a message is delivered again. `redeliveries` counts the previous redeliveries.
 */
export function redeliveryDelayMs(redeliveries: number): number {
  return Math.min(delayCapMs, firstDelayMs * 2 ** redeliveries)
}
