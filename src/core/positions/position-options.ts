import { badInput, GatewayError } from '../../errors.ts'
import { printJson } from '../json/print-json.ts'
import { type Identity, isKnown } from '../model/identity.ts'
import { demand } from '../sessions/authorizer.ts'

/** The most positions of one client. */
export const maxPositions = 100
const maxTopicBytes = 8 * 1024

/** When a position moves without an ack of the client. */
export const autoAcks = ['DELIVERED'] as const
export type AutoAck = (typeof autoAcks)[number]

/** Of the arguments `position` and `autoAck`, for every schema that has them. */
export const positionDescription =
  'Continue at the position of this name, which the gateway keeps for the caller (letters, digits, ".", "_" and "-", at most 64). Without one, begin now. Another subscription with the same name takes it, and the older one ends with POSITION_TAKEN. `after` wins as the start. Not together with `last`.'
export const autoAckDescription =
  '`DELIVERED` moves `position` when an event was handed to the connection. Null: only the mutation `ack` moves it.'

/** A subscription's wish for a position. */
export interface PositionOptions {
  readonly position?: string | null | undefined
  readonly autoAck?: AutoAck | null | undefined
}

export interface WantedPosition {
  readonly clientId: string
  readonly name: string
  readonly acksDelivered: boolean
}

/**
 * Checks the options of a subscription. Undefined: it has no position. Throws `BAD_USER_INPUT` and
 * `FORBIDDEN`.
 */
export function wantedPosition(
  { position, autoAck, last }: PositionOptions & { readonly last?: unknown },
  identity: Identity,
): WantedPosition | undefined {
  if (autoAck !== undefined && autoAck !== null && !autoAcks.includes(autoAck))
    throw badInput('autoAck', `expected ${autoAcks.join(' or ')}, got ${JSON.stringify(autoAck)}`)
  if (position === undefined || position === null) {
    if (autoAck) throw badInput('autoAck', 'expected position too: it names what is moved')
    return undefined
  }
  const name = checkPositionName(position)
  if (last !== undefined && last !== null)
    throw badInput('last', 'expected last or position, got both: a position says where to begin')
  return { clientId: ownerOf(identity), name, acksDelivered: autoAck === 'DELIVERED' }
}

export function checkPositionName(name: unknown, field = 'position'): string {
  if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,64}$/.test(name))
    throw badInput(field, 'expected 1 to 64 letters, digits, ".", "_" or "-"')
  return name
}

/** The client that positions of this caller belong to. */
export function ownerOf(identity: Identity): string {
  const { clientId, disowned } = identity
  demand(isKnown(identity), identity, 'keep a position')
  if (clientId === undefined)
    throw badInput('position', 'expected a token with a client id (claim sub): a position belongs to a client')
  if (disowned === true)
    throw new GatewayError('FORBIDDEN', `the channel of client "${clientId}" was deleted after this token was issued`)
  return clientId
}

/** What a position is the place in: a subscription field with its arguments. */
export interface PositionTopic {
  readonly field: string
  readonly args: Readonly<Record<string, unknown>>
}

/**
 * The same text for the same field and arguments. Arguments that are null count as left out. Throws
 * `BAD_USER_INPUT` if it is too long.
 */
export function topicText({ field, args }: PositionTopic): string {
  const given = Object.entries(args).filter(([, value]) => value !== undefined && value !== null)
  const text = printJson(sorted([field, Object.fromEntries(given)])) ?? ''
  const bytes = Buffer.byteLength(text)
  if (bytes > maxTopicBytes)
    throw badInput('position', `expected at most ${maxTopicBytes} bytes of arguments beside it, got ${bytes}`)
  return text
}

export function topicOfText(text: string): PositionTopic {
  const [field, args] = JSON.parse(text) as [string, Record<string, unknown>]
  return { field, args }
}

/** With the members of all objects in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  // Arguments of graphql-js have no prototype.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const members = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}
