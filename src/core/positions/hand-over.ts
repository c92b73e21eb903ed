import type { Gathering } from '../cluster/gathering.ts'
import { isOlder, type JournalPlace } from '../model/cursor.ts'
import type { HandOverKind } from './position-counts.ts'
import type { PositionHold } from './position-hold.ts'
import type { PositionKey } from './position-store.ts'

const question = 'position'

export interface HandOverParts {
  readonly replica: string
  /** Undefined: there are no other replicas. */
  readonly gathering: Pick<Gathering, 'answer' | 'askOne'> | undefined
  /**
   * Ends a subscription of this replica that has the position with a smaller number. Returns how
   * far it is acked here, stored or not.
   */
  readonly release: (key: PositionKey, holder: number) => JournalPlace | undefined
}

/**
 * Acks are stored within a second. A later subscription must not wait for that, or receive again
 * what was acked meanwhile: it asks the replica of the older one. That replica ends the older one
 * before it answers, so the answer is final.
 */
export class HandOver {
  /** Subscriptions that took a position. */
  readonly counts: Record<HandOverKind, number> = { none: 0, here: 0, answered: 0, unanswered: 0 }
  readonly #parts: HandOverParts

  constructor(parts: HandOverParts) {
    this.#parts = parts
    parts.gathering?.answer(question, (args) => this.#answer(args))
  }

  /**
   * Where a subscription begins that took a position: the stored place, or a later one that the
   * replica of the older subscription knows. Without its answer, the stored one.
   */
  async begin(
    { clientId, name, holder }: PositionHold,
    stored: JournalPlace | undefined,
    heldBefore: string | undefined,
  ): Promise<JournalPlace | undefined> {
    const { replica, gathering, release } = this.#parts
    let acked: JournalPlace | null | undefined
    if (heldBefore === undefined) {
      this.counts.none += 1
    } else if (heldBefore === replica) {
      acked = release({ clientId, name }, holder)
      this.counts.here += 1
    } else {
      acked = await gathering?.askOne(heldBefore, question, { clientId, name, holder }, readAnswer)
      this.counts[acked === undefined ? 'unanswered' : 'answered'] += 1
    }
    return acked && (!stored || isOlder(stored, acked)) ? acked : stored
  }

  #answer(args: unknown): { readonly place: JournalPlace | null } | undefined {
    const { clientId, name, holder } = Object(args) as Record<string, unknown>
    if (typeof clientId !== 'string' || typeof name !== 'string' || typeof holder !== 'number') return undefined
    return { place: this.#parts.release({ clientId, name }, holder) ?? null }
  }
}

/** Null: nothing is acked there. Undefined: this is no answer. */
function readAnswer(value: unknown): JournalPlace | null | undefined {
  const { place } = Object(value) as Record<string, unknown>
  if (place === null) return null
  const { epoch, offset, fingerprint, before } = Object(place) as Record<string, unknown>
  return typeof epoch === 'string' &&
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(fingerprint) &&
    typeof before === 'boolean'
    ? { epoch, offset: offset as number, fingerprint: fingerprint as number, before }
    : undefined
}
