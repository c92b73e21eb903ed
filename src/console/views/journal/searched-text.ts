import { count, plural } from '../../parts/format.ts'

/** The part of the journal that a page covers. */
export interface SearchedPart {
  readonly messages: number
  readonly firstOffset: number
  readonly lastOffset: number
}

/** How many messages were compared with the filter, and where they are. */
export function searchedText({ messages, firstOffset, lastOffset }: SearchedPart, isAll: boolean): string {
  const offsets =
    firstOffset === lastOffset
      ? `offset ${count(firstOffset)}`
      : `offsets ${count(firstOffset)} to ${count(lastOffset)}`
  const where = isAll ? `the whole journal, ${offsets}` : offsets
  const marks = lastOffset - firstOffset + 1 - messages
  const rest =
    marks <= 0
      ? ''
      : ` The other ${marks === 1 ? 'offset is a mark' : `${count(marks)} offsets are marks`} of the gateway.`
  return `${plural(messages, 'message was', 'messages were')} compared with the filter: ${where}.${rest}`
}

/** `50 messages, offsets 634 to 691`. `offsets`: newest first. */
export function pageText(offsets: readonly number[]): string {
  const [newest, oldest] = [offsets[0], offsets.at(-1)]
  if (newest === undefined || oldest === undefined) return 'Messages'
  if (offsets.length === 1) return `1 message, offset ${count(newest)}`
  return `${plural(offsets.length, 'message')}, offsets ${count(oldest)} to ${count(newest)}`
}
