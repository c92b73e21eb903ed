import {
  type GraphQLArgument,
  GraphQLBoolean,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLString,
} from 'graphql'
import { everyDescription } from '../../../core/delivery/pace.ts'
import { lastDescription } from '../../../core/delivery/replay/last-events.ts'
import { autoAckDescription, positionDescription } from '../../../core/positions/position-options.ts'
import type { BuiltInArguments } from '../../model/event-schema.ts'
import type { BuiltInRole, EventArguments } from '../fields/condition-arguments.ts'
import type { KnownTypes } from './known-types.ts'

/** From what the built-in arguments of an event field follow. */
export interface BuiltInChoice extends Pick<EventArguments, 'builtIn' | 'taken'> {
  readonly isNullable: boolean
  readonly filter: GraphQLInputObjectType | undefined
}

const roles = ['after', 'last', 'position', 'autoAck', 'every', 'overflow', 'checkpoints', 'filter'] as const

/** The arguments that play the built-in roles, by the author's choice of names. */
export function argumentNames(choice: BuiltInChoice): BuiltInArguments {
  const nameOf = (role: (typeof roles)[number]) =>
    choice.builtIn.get(role) ?? (isAdded(role, choice) ? role : undefined)
  return {
    after: nameOf('after'),
    last: nameOf('last'),
    position: nameOf('position'),
    autoAck: nameOf('autoAck'),
    every: nameOf('every'),
    overflow: nameOf('overflow'),
    checkpoints: nameOf('checkpoints'),
    filter: nameOf('filter'),
  }
}

/** The arguments that Warren adds to an event field. */
export function builtInArguments(known: KnownTypes, choice: BuiltInChoice): GraphQLArgument[] {
  const typeOf = (role: (typeof roles)[number]): GraphQLInputType | undefined => {
    switch (role) {
      case 'after':
        return known.cursor
      case 'last':
        return known.int
      case 'position':
      case 'every':
        return GraphQLString
      case 'autoAck':
        return known.autoAck
      case 'overflow':
        return known.overflowPolicy
      case 'checkpoints':
        return GraphQLBoolean
      case 'filter':
        return choice.filter
    }
  }
  return roles.flatMap((role) => {
    const type = isAdded(role, choice) ? typeOf(role) : undefined
    return type ? addedArgument(role, type, descriptions[role]) : []
  })
}

function isAdded(role: BuiltInRole, { builtIn, taken, isNullable, filter }: BuiltInChoice): boolean {
  if (builtIn.has(role) || taken.has(role)) return false
  if (role === 'checkpoints') return isNullable
  return role !== 'filter' || filter !== undefined
}

const descriptions: Readonly<Record<(typeof roles)[number], string>> = {
  after: 'Deliver every event after this cursor, then live events. Without it: from now on.',
  last: lastDescription,
  position: positionDescription,
  autoAck: autoAckDescription,
  every: everyDescription,
  overflow: 'What to do when the client is too slow. Default: the first policy of WARREN_OVERFLOW.',
  checkpoints: 'Also deliver fresh cursors, as null, while there is no event.',
  filter: 'Deliver only events that pass.',
}

/** The argument `idempotencyKey` of a mutation. */
export function idempotencyArgument(): GraphQLArgument {
  return addedArgument(
    'idempotencyKey',
    GraphQLString,
    'Messages of one caller with the same key are delivered once, even if published through different replicas.',
  )
}

export function addedArgument(name: string, type: GraphQLInputType, description: string): GraphQLArgument {
  return {
    name,
    type,
    description,
    defaultValue: undefined,
    deprecationReason: undefined,
    extensions: {},
    astNode: undefined,
  }
}
