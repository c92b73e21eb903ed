import { badInput, GatewayError } from '../../errors.ts'
import type { Gateway } from '../gateway.ts'
import type { MessageEvent } from '../model/channel-event.ts'
import { type Cursor, printCursor } from '../model/cursor.ts'
import type { EventTopic, StateTopic } from '../ports/topic.ts'

export interface ReadStateOptions {
  readonly topic: EventTopic
  /** `endCursor` of the page before. Undefined: the first page. */
  readonly after: string | undefined
  readonly first: number
  /**
   * Called before an event is added. If it returns false, the page ends before that event. If it
   * throws, `readState` rejects with its error.
   */
  readonly reserve: (event: MessageEvent, isFirst: boolean) => boolean
}

export interface ReadStatePage {
  /** The last message of each key, in the order of the journal. Removed keys are left out. */
  readonly events: readonly MessageEvent[]
  /** Up to where the state was folded when its first page was read. Equal for all its pages. */
  readonly cursor: Cursor
  /** Undefined: no page follows. */
  readonly endCursor: string | undefined
}

/** No removed key of the state is after it. */
const noRemovedKeys = Number.MAX_SAFE_INTEGER

/**
 * Reads a page of a keyed state. A key that changes moves behind all others, so each key that the
 * state has from the first page to the last is in one of them. A key that changes meanwhile may be
 * in two, the newer value in the later one. So that reading ends however fast keys change, the
 * pages end at the place of the state when they passed `cursor`. What was changed or removed
 * meanwhile also follows `cursor` in the journal.
 *
 * Rejects with `BAD_USER_INPUT`, `STATE_UNAVAILABLE` or `LIMIT_EXCEEDED`.
 */
export async function readState(
  { states, cursors }: Pick<Gateway, 'states' | 'cursors'>,
  { topic, after, first, reserve }: ReadStateOptions,
): Promise<ReadStatePage> {
  const { state } = topic
  if (!states || !state)
    throw new GatewayError('STATE_UNAVAILABLE', `${topic.field} had no keyed state when this query began: try again`)
  const from = after === undefined ? undefined : parsePageCursor(after, state, (text) => cursors.parse(text))
  const { events, begin, foldedUpTo, next } = await states.pages.read({
    topic,
    state,
    phase: 'SNAPSHOT',
    after: from?.offset ?? -1,
    since: noRemovedKeys,
    atLeast: from?.cursor.offset ?? 0,
    first,
    upTo: from?.upTo,
  })
  if (from && from.cursor.epoch !== begin.epoch) throw outdated()
  const cursor = from?.cursor ?? begin
  const taken: MessageEvent[] = []
  let offset = next?.after
  for (const event of events) {
    if (event.kind !== 'MESSAGE') continue
    if (!reserve(event, taken.length === 0)) {
      offset = taken.at(-1)?.message.offset ?? from?.offset ?? -1
      break
    }
    taken.push(event)
  }
  if (offset === undefined) return { events: taken, cursor, endCursor: undefined }
  const upTo = from?.upTo ?? (offset >= cursor.offset ? foldedUpTo : undefined)
  return { events: taken, cursor, endCursor: printPageCursor(state, { offset, upTo, cursor }) }
}

/** Where a page ended. */
interface PagePlace {
  /** Of the last row that was read. */
  readonly offset: number
  /** As `StateWish.upTo`. */
  readonly upTo: number | undefined
  /** Of the first page. */
  readonly cursor: Cursor
}

/** Opaque for clients. */
function printPageCursor({ id }: StateTopic, { offset, upTo, cursor }: PagePlace): string {
  return Buffer.from([id, offset, upTo ?? '', printCursor(cursor)].join(' ')).toString('base64url')
}

function parsePageCursor(text: string, { id }: StateTopic, parse: (text: string) => Cursor | undefined): PagePlace {
  const [of, offset = '', upTo = '', printed = ''] = Buffer.from(text, 'base64url').toString().split(' ')
  const cursor = parse(printed)
  if (!cursor || !/^(-1|\d{1,15})$/.test(offset) || !/^\d{0,15}$/.test(upTo))
    throw badInput('after', `expected the endCursor of the page before, got ${JSON.stringify(text.slice(0, 100))}`)
  if (of !== id) throw outdated()
  return { offset: Number(offset), upTo: upTo === '' ? undefined : Number(upTo), cursor }
}

function outdated(): GatewayError {
  return badInput(
    'after',
    'expected the endCursor of a page of this state; it is of another field, or the state was built again since: begin without after',
  )
}
