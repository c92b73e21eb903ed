import type { Gathering } from '../cluster/gathering.ts'
import { isOlder, type JournalPlace } from '../model/cursor.ts'
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
    if (heldBefore === undefined) return stored
    const { replica, gathering, release } = this.#parts
    const acked =
      heldBefore === replica
        ? release({ clientId, name }, holder)
        : await gathering?.askOne(heldBefore, question, { clientId, name, holder }, readPlace)
    if (!acked) return stored
    return !stored || isOlder(stored, acked) ? acked : stored
  }

  #answer(args: unknown): { readonly place: JournalPlace | null } | undefined {
    const { clientId, name, holder } = Object(args) as Record<string, unknown>
    if (typeof clientId !== 'string' || typeof name !== 'string' || typeof holder !== 'number') return undefined
    return { place: this.#parts.release({ clientId, name }, holder) ?? null }
  }
}

function readPlace(value: unknown): JournalPlace | undefined {
  const { epoch, offset, fingerprint, before } = Object((Object(value) as { place?: unknown }).place) as Record<
    string,
    unknown
  >
  return typeof epoch === 'string' &&
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(fingerprint) &&
    typeof before === 'boolean'
    ? { epoch, offset: offset as number, fingerprint: fingerprint as number, before }
    : undefined
}
