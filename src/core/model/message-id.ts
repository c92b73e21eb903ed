import { createHash, randomUUID } from 'node:crypto'

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

/**
 * The same key gives the same message id on every replica: a UUID (RFC 9562, version 8) of its
 * hash.
 */
export function messageIdOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
