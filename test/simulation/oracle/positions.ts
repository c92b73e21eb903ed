import { type Cursor, firstOffsetAfter, isOlder, type JournalPlace } from '../../../src/core/model/cursor.ts'
import type { PositionKey, StoredPosition } from '../../../src/core/positions/position-store.ts'
import type { Replica } from '../world/replica.ts'
import type { World } from '../world/world.ts'

/**
 * Checks named positions where the database changes them: they go forward only, to places that
 * their client acked or that a gateway delivered. Each subscription begins at one, and repeats
 * nothing that its replica delivered and acked.
 */
export class PositionWatch {
  readonly #world: World
  /** By position: the places that it may have. */
  readonly #acked = new Map<string, Set<string>>()
  /** By position: what a replica delivered and acked last, if the position was not elsewhere since. */
  readonly #delivered = new Map<string, { readonly by: Replica; readonly place: JournalPlace }>()
  /** By position: the places that subscriptions were given. */
  readonly #given = new Map<string, Set<string>>()

  constructor(world: World) {
    this.#world = world
  }

  /** The client acks the cursor, or a gateway hands its event to the socket: that of `delivered`. */
  mayMoveTo(key: PositionKey, place: JournalPlace, delivered?: Replica): void {
    add(this.#acked, key, place)
    if (delivered) this.#delivered.set(textOfKey(key), { by: delivered, place })
  }

  /** A subscription takes it, or gives it its first place. */
  taken(key: PositionKey, before: StoredPosition | undefined, after: StoredPosition | undefined): void {
    // Without a place, the position gets the one where the subscription begins.
    if (after?.place && !before?.place) this.mayMoveTo(key, after.place)
    if (after?.place) add(this.#given, key, after.place)
    if (before?.heldBy !== after?.heldBy) this.#delivered.delete(textOfKey(key))
    this.changed(key, before, after)
  }

  changed(key: PositionKey, before: StoredPosition | undefined, after: StoredPosition | undefined): void {
    const [from, to] = [before?.place, after?.place]
    if (!to || (from && textOfPlace(from) === textOfPlace(to))) return
    const what = `${key.clientId} ${key.name} from ${from ? textOfPlace(from) : 'nowhere'} to ${textOfPlace(to)}`
    this.#world.note(`position ${what}`)
    if (!this.#acked.get(textOfKey(key))?.has(textOfPlace(to))) this.#world.violated('a position is an ack', what)
    if (!from) return
    const isBack =
      from.epoch === to.epoch
        ? firstOffsetAfter(to) < firstOffsetAfter(from)
        : !this.#world.truth.isEarlier(from.epoch, to.epoch)
    if (isBack) this.#world.violated('acks never move back', what)
  }

  /** A subscription begins: where its position is stored, or at an ack that is not stored yet. */
  begun(key: PositionKey, at: Cursor | undefined, replica: Replica): void {
    const text = textOfKey(key)
    const what = `${key.clientId} ${key.name} at ${at ? textOfPlace(at) : 'the live end'}`
    const isKnown = at && [this.#given, this.#acked].some((places) => places.get(text)?.has(textOfPlace(at)))
    if (!isKnown) this.#world.violated('a subscription begins at its position', what)
    const last = this.#delivered.get(text)
    if (at && last?.by === replica && isOlder(at, last.place))
      this.#world.violated('a take-over doubles nothing', `${what}, behind ${textOfPlace(last.place)}`)
  }
}

function add(places: Map<string, Set<string>>, key: PositionKey, place: JournalPlace): void {
  const text = textOfKey(key)
  const known = places.get(text)
  if (known) known.add(textOfPlace(place))
  else places.set(text, new Set([textOfPlace(place)]))
}

function textOfKey({ clientId, name }: PositionKey): string {
  return `${name} ${clientId}`
}

function textOfPlace(place: JournalPlace): string {
  return `${place.epoch} ${firstOffsetAfter(place)}`
}
