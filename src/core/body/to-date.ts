/**
 * The years 0001 to 9999, which is what RFC 3339 §5.6 can write. In milliseconds since the epoch.
 */
const first = Date.parse('0001-01-01T00:00:00.000Z')
const last = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * This moment where RFC 3339 has a date for it, else null: a publisher may count in another unit
 * than AMQP does, and nobody knows in which.
 */
export function toDate(milliseconds: number | undefined): Date | null {
  if (milliseconds === undefined || !(milliseconds >= first && milliseconds <= last)) return null
  return new Date(milliseconds)
}
