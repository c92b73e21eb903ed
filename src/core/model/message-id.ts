import { randomUUID } from 'node:crypto'

/** Ids of one stem. */
const idsOfStem = 2 ** 24

let stem = ''
let count = 0

/**
 * A UUID (RFC 9562, version 4) of which the last six digits count: random digits for each message
 * take longer than all that the embedded broker does with it. The stem is another one in each
 * process.
 */
export function newMessageId(): string {
  if (count % idsOfStem === 0) stem = randomUUID().slice(0, -6)
  const digits = (idsOfStem + (count % idsOfStem)).toString(16).slice(1)
  count += 1
  return stem + digits
}
