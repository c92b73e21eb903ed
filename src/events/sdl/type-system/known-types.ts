import {
  extendSchema,
  GraphQLBoolean,
  type GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  type GraphQLNamedType,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLScalarType,
  type GraphQLSchema,
  GraphQLString,
  isEnumType,
  isScalarType,
  parse,
  printType,
} from 'graphql'
import { keepDateTimesAsSent, newEventScalars } from '../../scalars/event-scalars.ts'
import { printShape } from '../directives/definitions.ts'

/** Types of Warren that a team's SDL can name. */
export interface KnownTypes {
  readonly cursor: GraphQLScalarType
  readonly json: GraphQLScalarType
  readonly overflowPolicy: GraphQLEnumType
  readonly autoAck: GraphQLEnumType
  readonly eventGap: GraphQLObjectType
  readonly published: GraphQLObjectType
  readonly id: GraphQLScalarType
  readonly int: GraphQLScalarType
  readonly byName: ReadonlyMap<string, GraphQLNamedType>
}

/**
 * A copy of Warren's own schema that nothing else uses, so that its types may be changed and may
 * become part of another schema. Resolvers stay.
 */
export function copySchema(schema: GraphQLSchema): GraphQLSchema {
  return extendSchema(schema, parse('extend schema @copy'), { assumeValidSDL: true, assumeValid: true })
}

/** `core`: a copy, because its `DateTime` is changed. */
export function knownTypesOf(core: GraphQLSchema): KnownTypes {
  const [cursor, json, dateTime] = ['Cursor', 'JSON', 'DateTime'].map((name) => scalarOf(core, name))
  if (!cursor || !json || !dateTime) throw new Error('the schema of Warren lacks Cursor, JSON or DateTime')
  keepDateTimesAsSent(dateTime)
  const [overflowPolicy, gapReason] = [enumOf(core, 'OverflowPolicy'), enumOf(core, 'GapReason')]
  const autoAck = enumOf(core, 'AutoAck')
  // Warren's own schema has an ID and an Int that keep the digits of numbers.
  const id = scalarOf(core, 'ID') ?? GraphQLID
  const int = scalarOf(core, 'Int') ?? GraphQLInt
  const published = new GraphQLObjectType({
    name: 'Published',
    description: 'The broker has confirmed the message.',
    fields: { messageId: { type: new GraphQLNonNull(id) } },
  })
  const eventGap = new GraphQLObjectType({
    name: 'EventGap',
    description: 'Events are missing before this cursor: read the state again.',
    fields: {
      reason: { type: new GraphQLNonNull(gapReason) },
      oldest: { type: cursor, description: 'The oldest available cursor.' },
      cursor: { type: new GraphQLNonNull(cursor), description: 'The subscription continues after this cursor.' },
    },
  })
  const types = [
    id,
    int,
    GraphQLString,
    GraphQLBoolean,
    GraphQLFloat,
    cursor,
    json,
    dateTime,
    ...newEventScalars(),
    published,
    eventGap,
    gapReason,
    overflowPolicy,
    autoAck,
  ]
  const byName = new Map(types.map((type) => [type.name, type]))
  return { cursor, json, overflowPolicy, autoAck, eventGap, published, id, int, byName }
}

function scalarOf(schema: GraphQLSchema, name: string): GraphQLScalarType | undefined {
  const type = schema.getType(name)
  return isScalarType(type) ? type : undefined
}

function enumOf(schema: GraphQLSchema, name: string): GraphQLEnumType {
  const type = schema.getType(name)
  if (!isEnumType(type)) throw new Error(`the schema of Warren lacks the enum ${name}`)
  return type
}

/** How a type of Warren is written in SDL, without descriptions. */
export function definitionOf(type: GraphQLNamedType): string {
  const [definition] = parse(printType(type)).definitions
  return definition ? printShape(definition) : ''
}
