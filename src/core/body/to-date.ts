/** RFC 3339 §5.6 can write the years 0001 to 9999. In milliseconds since the epoch. */
const first = Date.parse('0001-01-01T00:00:00.000Z')
const last = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * The date, or null if RFC 3339 cannot write it: then the publisher counts in another unit than
 * AMQP, and the unit is unknown.
 */
export function toDate(milliseconds: number | undefined): Date | null {
  if (milliseconds === undefined || !(milliseconds >= first && milliseconds <= last)) return null
  return new Date(milliseconds)
}
