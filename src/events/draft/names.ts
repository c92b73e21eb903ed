/** Types that every schema has: those of GraphQL, and what typed events define. */
const definedTypes = [
  'String Int Float Boolean ID Query Mutation Subscription',
  'Cursor DateTime Date JSON Decimal BigInt UUID Published EventGap',
  'Place HeaderValue OnInvalid OnGap ValueForm Naming MessageProperty',
]
/** Types of Warren's own schema, schema/schema.graphql. */
const ownTypes = [
  'AutoAck BrokerState ChannelEvent ChannelGap ChannelHistory ClientChannel ClientIdSource ClientPosition',
  'CreateClientChannelInput CreateClientChannelPayload CreateRabbitChannelInput EventCount EventKind',
  'ExchangeType GapReason Gateway MessageOutcome',
  'OverflowPolicy Presence PublishInput PublishPayload RabbitChannel ReplicaTrace Session TracedMessage',
]
/** Names that types of an inferred or imported schema cannot have. */
export const reservedTypes: readonly string[] = [...definedTypes, ...ownTypes].flatMap((names) => names.split(' '))
/** Subscription fields of Warren's own schema. */
export const reservedSubscriptions: readonly string[] = ['channel', 'presenceChanged', 'testSubscription']
/** Arguments that every event field has. */
export const reservedArguments: readonly string[] = [
  'after',
  'last',
  'position',
  'autoAck',
  'every',
  'overflow',
  'checkpoints',
  'filter',
]

/** Longer names help no reader, and a text from a message can have any length. */
const maxNameLength = 60
const validName = /^(?!__)[A-Za-z_]\w*$/

/** The words of a name in any notation: order and id for “orderId”, “order-id” and “ORDER_ID”. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '')
  return (plain.match(/[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+/g) ?? []).map((word) => word.toLowerCase())
}

/**
 * The words for a schema that a reference names and that may have a title. Of the name of a class
 * in a package only the class counts.
 */
export function wordsOfSchema(refName: string | undefined, title: string | undefined): string[] {
  const isPlain = refName !== undefined && !/[.$]/.test(refName)
  const name = (isPlain ? refName : (title ?? refName)) ?? ''
  const last = name.split(/[.$/+:]/).at(-1) ?? ''
  return wordsOf(/^[A-Z]\w*[a-z]/.test(last) ? last : name)
}

export function pascalCase(words: readonly string[]): string {
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

export function camelCase(words: readonly string[]): string {
  const name = pascalCase(words)
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** The name of an enum value for a word of a body: “in-transit” is “IN_TRANSIT”. */
export function enumValueName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()
  return /^[0-9]/.test(name) ? `_${name}` : name
}

/** A name of one thing in a list: “address” of “addresses”, “entry” of “entries”. */
export function singular(word: string): string {
  if (word.length < 4 || /(?:ss|us|is|news)$/.test(word)) return word
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`
  if (/(?:sses|xes|zes|ches|shes)$/.test(word)) return word.slice(0, -2)
  return word.endsWith('s') ? word.slice(0, -1) : word
}

/** The words with the last one in the singular. */
export function singularWords(words: readonly string[]): string[] {
  const last = words.at(-1)
  return last === undefined ? [] : [...words.slice(0, -1), singular(last)]
}

/** Whether the member can be a field of the same name. */
export function isFieldName(member: string): boolean {
  return member.length <= maxNameLength && validName.test(member)
}

/** A valid name for a field: the member itself if possible. */
export function fieldName(member: string, fallback = 'field'): string {
  return isFieldName(member) ? member : validOr(camelCase(wordsOf(member)), fallback)
}

/** A valid name for a type. */
export function typeName(words: readonly string[], fallback = 'Event'): string {
  return validOr(pascalCase(words), fallback)
}

/** The name for events about something: “OrderEvent”, but not “EventEvent”. */
export function eventTypeName(base: readonly string[]): string {
  return typeName(base.at(-1) === 'event' ? base : [...base, 'event'])
}

function validOr(name: string, fallback: string): string {
  const cut = name.slice(0, maxNameLength)
  if (cut === '') return fallback
  // Of words, only a digit at the beginning is invalid.
  return validName.test(cut) ? cut : `_${cut}`
}

/** Gives each caller a name that no other has. */
export class UniqueNames {
  readonly #taken: Set<string>

  constructor(reserved: Iterable<string> = []) {
    this.#taken = new Set(reserved)
  }

  /** The first of the candidates that is free, else the last one with a number. */
  take(...candidates: readonly [string, ...string[]]): string {
    const free = candidates.find((name) => !this.#taken.has(name)) ?? this.#numbered(candidates.at(-1) ?? candidates[0])
    this.#taken.add(free)
    return free
  }

  has(name: string): boolean {
    return this.#taken.has(name)
  }

  #numbered(name: string): string {
    // “line2” and “line22” would read as one.
    const separator = /\d$/.test(name) ? '_' : ''
    for (let number = 2; ; number += 1) {
      const candidate = `${name}${separator}${number}`
      if (!this.#taken.has(candidate)) return candidate
    }
  }
}
