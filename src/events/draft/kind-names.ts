import { singular, typeName, wordsOf } from './names.ts'

/** Top-level domains that begin names in reverse order, as in com.example.order.created. */
const domains = new Set(['com', 'org', 'net', 'io', 'dev', 'de', 'app', 'co', 'eu', 'uk', 'fr', 'nl', 'ch', 'at', 'us'])
const maxJoined = 3

/** Names for the type of these event types, the best first. */
export function nameOfKind(eventTypes: readonly string[], base: readonly string[]): [string, ...string[]] {
  const lists = eventTypes.map((eventType) => wordsOfType(eventType, base))
  // “order.paid” and “order_paid” are one name.
  const all = [...new Map(lists.map((words) => [words.join(), words])).values()]
  const [first = [], ...rest] = all
  if (rest.length === 0) return [typeName(first), typeName([...base, ...first])]
  const prefix = commonPrefix(all)
  const joined = [...first, ...rest.flatMap((words) => ['or', ...words.slice(prefix.length)])]
  if (all.length <= maxJoined) return [typeName(joined), typeName([...first, 'etc'])]
  return [typeName([...(prefix.length > 0 ? prefix : base), 'change']), typeName([...base, 'other'])]
}

/**
 * The words of a name for the event type. Of the name of a class only the class counts
 * (com.example.OrderPaid, urn:message:Shop:OrderPaid, “Shop.OrderPaid, Shop.Contracts”); of
 * others all but the domain.
 */
function wordsOfType(eventType: string, base: readonly string[]): readonly string[] {
  const [text = ''] = eventType.split(',')
  const parts = text.split(/[.:/$+#]/).filter((part) => part !== '')
  const last = parts.at(-1) ?? ''
  if (/^[A-Z]\w*[a-z]\w*$/.test(last)) return wordsOf(last)
  const named = domains.has(parts[0] ?? '') && parts.length > 2 ? parts.slice(2) : parts
  const words = named.flatMap(wordsOf)
  // “paid” alone does not name what was paid. “orders.paid” of “order” is “order.paid”.
  if (words.length < 2) return [...base, ...words]
  const isBase = base.every((word, index) => singular(words[index] ?? '') === word)
  return isBase ? [...base, ...words.slice(base.length)] : words
}

function commonPrefix(names: readonly (readonly string[])[]): readonly string[] {
  const [first = []] = names
  let length = 0
  while (length < first.length && names.every((words) => words[length] === first[length])) length += 1
  return first.slice(0, length)
}
