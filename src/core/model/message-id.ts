import { randomUUID } from 'node:crypto'

/** How many ids share one stem. */
const idsOfStem = 2 ** 24

let stem = ''
let count = 0

/**
 * A UUID (RFC 9562, version 4) with the last six digits from a counter. Random digits for each
 * message would take longer than all other work of the embedded broker on it. Each process has its
 * own stem.
 */
export function newMessageId(): string {
  if (count % idsOfStem === 0) stem = randomUUID().slice(0, -6)
  const digits = (idsOfStem + (count % idsOfStem)).toString(16).slice(1)
  count += 1
  return stem + digits
}
