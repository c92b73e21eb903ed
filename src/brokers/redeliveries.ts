/**
 * How often a message is handed over again whose callback rejected, before it is set aside. A
 * constant, not an option: on RabbitMQ it is an argument of the group's queue, which all programs
 * of the group must declare alike.
 */
export const maxRedeliveries = 5

/** In milliseconds; doubled with each redelivery of a message up to the cap. */
const firstDelayMs = 50
const delayCapMs = 1_000

/**
 * How long to wait before handing a message over for another time. `redeliveries` counts those that
 * were.
 */
export function redeliveryDelayMs(redeliveries: number): number {
  return Math.min(delayCapMs, firstDelayMs * 2 ** redeliveries)
}
