import { type Cursor, firstOffsetAfter, type JournalPlace } from '../../../src/core/model/cursor.ts'
import type { PositionKey, StoredPosition } from '../../../src/core/positions/position-store.ts'
import type { World } from '../world/world.ts'

/**
 * Checks named positions where the database changes them: they go forward only, to places that
 * their client acked or that a gateway delivered, and each subscription begins at one.
 */
export class PositionWatch {
  readonly #world: World
  /** By position: the places that it may have. */
  readonly #acked = new Map<string, Set<string>>()
  /** By position: the places that subscriptions were given. */
  readonly #given = new Map<string, Set<string>>()

  constructor(world: World) {
    this.#world = world
  }

  /** The client acks the cursor, or a gateway hands its event to the socket. */
  mayMoveTo(key: PositionKey, place: JournalPlace): void {
    add(this.#acked, key, place)
  }

  taken(key: PositionKey, before: StoredPosition | undefined, after: StoredPosition | undefined): void {
    // Without a place, the position gets the one where the subscription begins.
    if (after?.place && !before?.place) this.mayMoveTo(key, after.place)
    if (after?.place) add(this.#given, key, after.place)
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

  /** A subscription begins. */
  begun(key: PositionKey, at: Cursor | undefined): void {
    if (at && this.#given.get(textOfKey(key))?.has(textOfPlace(at))) return
    const where = at ? textOfPlace(at) : 'the live end'
    this.#world.violated('a subscription begins at its position', `${key.clientId} ${key.name} at ${where}`)
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
