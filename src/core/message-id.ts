import { randomUUID } from 'node:crypto'
import { inOnePiece } from './latin1.ts'

/** A UUID; Node puts it together from some fifteen pieces. */
export function newMessageId(): string {
  return inOnePiece(randomUUID())
}
