import { randomUUID } from 'node:crypto'

const characters = Buffer.alloc(36)

/** A UUID as one piece: Node puts it together from some fifteen, and whoever keeps it would keep them all. */
export function newMessageId(): string {
  characters.write(randomUUID(), 'latin1')
  return characters.toString('latin1')
}
