import { badInput } from '../../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import type { Audience } from '../../model/source.ts'
import { matchesTopic } from '../../model/topic-pattern.ts'
import type { WindowEntry } from '../../ports/hot-window.ts'
import { MessageSearch, maxSearch } from '../message-search.ts'

/** Which messages to list. All members that are given must hold. */
export interface JournalFilter {
  /** The id of a source: messages that its binding takes. */
  readonly source?: string | undefined
  /** Messages for this client. */
  readonly channel?: string | undefined
  /** Messages that a binding of this typed field takes. */
  readonly field?: string | undefined
  readonly exchange?: string | undefined
  /** A topic pattern. */
  readonly routingKey?: string | undefined
  /** A text in the body. */
  readonly text?: string | undefined
  /** Words, as for `MessageSearch`, in the id, the routing key or the body. */
  readonly search?: string | undefined
}

/**
 * Whether an entry is one of those that the filter takes. Throws `BAD_USER_INPUT` for an unknown
 * source and for a search that is empty or too long.
 */
export function filterTest(
  { source, channel, field, exchange, routingKey, text, search }: JournalFilter,
  gateway: Pick<Gateway, 'sources' | 'explain' | 'audienceOf'>,
): (entry: WindowEntry) => boolean {
  const matchers: ((entry: WindowEntry) => boolean)[] = []
  if (exchange !== undefined) matchers.push((entry) => entry.exchange === exchange)
  if (routingKey !== undefined) matchers.push((entry) => matchesTopic(routingKey, entry.routingKey))
  if (text !== undefined) matchers.push((entry) => entry.body.includes(text))
  if (search !== undefined) {
    if (search.trim() === '' || search.length > maxSearch.characters)
      throw badInput('search', `expected 1 to ${maxSearch.characters} characters`)
    const wanted = new MessageSearch(search)
    matchers.push((entry) => wanted.isInId(entry.properties.messageId) || wanted.isInMessage(entry))
  }
  if (source !== undefined) {
    const takes = gateway.sources.bindingOf(source)
    if (!takes) throw badInput('source', `expected the id of a source, got "${source}"`)
    matchers.push(takes)
  }
  if (channel !== undefined) matchers.push((entry) => isFor(gateway.audienceOf(entry), channel))
  if (field !== undefined) matchers.push((entry) => gateway.explain(entry).some((one) => one.field === field))
  return (entry) => matchers.every((matches) => matches(entry))
}

function isFor(audience: Audience, clientId: string): boolean {
  return audience === 'everyone' || audience.includes(clientId)
}
