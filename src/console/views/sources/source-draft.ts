import type { CreateRabbitChannelInput } from '../../api/generated/graphql.ts'
import type { Failure } from '../../api/graphql.ts'

export const exchangeTypes = ['TOPIC', 'DIRECT', 'FANOUT', 'HEADERS'] as const
export type SourceExchangeType = (typeof exchangeTypes)[number]

/** How a source finds the client of a message: its member of the input, words, and an example. */
export const rules = [
  ['key', 'The word {clientId} of the routing key', ''],
  ['bodyPointer', 'A place in the JSON body', '/customer/id'],
  ['header', 'A header', 'x-client'],
  ['fixed', 'Always the same client', 'alice'],
  ['everyone', 'Everyone', ''],
] as const
export type Rule = (typeof rules)[number][0]

/** As much of a source as tells whether a new one is like it. */
export interface KnownSource {
  readonly exchange: string
  readonly exchangeType: string
  readonly routingKey: string
  readonly rule: string
}

/** What a person has entered. */
export interface SourceDraft {
  readonly exchange: string
  readonly type: SourceExchangeType
  /** Undefined: not changed, so it follows from the rest. */
  readonly typedKey: string | undefined
  readonly rule: Rule
  /** The place in the body, the header, or the client. */
  readonly detail: string
}

/** Of the sources that are there: an exchange that exists has a type. */
export function typeOfExchange(exchange: string, sources: readonly KnownSource[]): SourceExchangeType | undefined {
  const known = sources.find((one) => one.exchange === exchange.trim())
  return exchangeTypes.find((type) => type === known?.exchangeType)
}

/** Fanout and headers exchanges ignore routing keys. */
export function hasKeys(type: SourceExchangeType): boolean {
  return type === 'TOPIC' || type === 'DIRECT'
}

/** The ways to find a client that an exchange of this type allows. */
export function rulesFor(type: SourceExchangeType): readonly (typeof rules)[number][] {
  return type === 'TOPIC' ? rules : rules.filter(([name]) => name !== 'key')
}

/** A key that takes messages at once. `isKnown`: the exchange has other sources, so it has keys. */
export function keyOf({ type, typedKey, rule }: SourceDraft, isKnown: boolean): string {
  if (!hasKeys(type)) return ''
  if (typedKey !== undefined) return typedKey
  if (rule === 'key') return isKnown ? '#.{clientId}' : 'client.{clientId}'
  return type === 'DIRECT' ? '' : '#'
}

export function needsDetail(rule: Rule): boolean {
  return rule !== 'key' && rule !== 'everyone'
}

type Place = 'exchange' | 'key' | 'rule' | 'form'

/** What is wrong, and with which field of the form. */
export interface FormProblem {
  readonly place: Place
  readonly text: string
}

/** What the page itself sees. Undefined also while something is still missing. */
export function problemOf(draft: SourceDraft, routingKey: string): FormProblem | undefined {
  const { type, rule, detail, exchange } = draft
  if (exchange.trim() === '') return undefined
  const namesClient = routingKey.includes('{clientId')
  if (hasKeys(type) && rule === 'key' && !namesClient)
    return {
      place: 'key',
      text: 'Write {clientId} in place of the word that names the client, or choose another rule below.',
    }
  if (hasKeys(type) && rule !== 'key' && namesClient)
    return {
      place: 'key',
      text: 'The key names the client already. Write * or # in its place, or take the word of the key below.',
    }
  if (rule === 'bodyPointer' && detail.trim() !== '' && !detail.trim().startsWith('/'))
    return { place: 'rule', text: 'A place in the body begins with /, such as /customer/id.' }
  return undefined
}

const places: Readonly<Record<string, Place>> = { exchange: 'exchange', routingKey: 'key', clientId: 'rule' }

/** What the gateway answered, without the name of its argument, and the field that it is about. */
export function problemOfFailure({ field, message }: Pick<Failure, 'field' | 'message'>): FormProblem {
  const [, member = ''] = (field ?? '').split('.')
  const text = field !== undefined && message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message
  return { place: places[member] ?? 'form', text: `${text.charAt(0).toUpperCase()}${text.slice(1)}` }
}

/**
 * What the gateway is asked. Undefined: something is missing or wrong. `orEveryone`: a missing
 * detail is left out, to see what the exchange contains.
 */
export function inputOf(
  draft: SourceDraft,
  routingKey: string,
  { orEveryone = false }: { orEveryone?: boolean } = {},
): CreateRabbitChannelInput | undefined {
  const { exchange, type, rule, detail } = draft
  if (exchange.trim() === '' || problemOf(draft, routingKey)) return undefined
  if (type === 'DIRECT' && routingKey === '') return undefined
  const isMissing = needsDetail(rule) && detail.trim() === ''
  if (isMissing && !orEveryone) return undefined
  const base = { exchange: exchange.trim(), exchangeType: type, routingKey, buffered: false }
  if (rule === 'key') return base
  const clientId = rule === 'everyone' || isMissing ? { everyone: true } : { [rule]: detail.trim() }
  // Exactly one member, which the type cannot express for a computed name.
  return { ...base, clientId } as CreateRabbitChannelInput
}
