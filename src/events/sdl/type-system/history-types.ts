import { GraphQLBoolean, type GraphQLField, GraphQLList, GraphQLNonNull, GraphQLObjectType } from 'graphql'
import type { EventField } from '../../model/event-schema.ts'
import type { SdlContext } from '../context.ts'
import { addedArgument } from './built-in-arguments.ts'
import type { KnownTypes } from './known-types.ts'

const defaultPage = 100
const maxPage = 1_000
const pageArgument = 'first'

/** `Query.<name>History` of an event field with `history: true`. */
export type HistoryField = GraphQLField<unknown, unknown>

/** `field`: as served. `isTaken`: whether a type of the name exists. */
export function historyFieldOf(
  { mistakes }: SdlContext,
  known: KnownTypes,
  event: EventField,
  field: GraphQLField<unknown, unknown>,
  isTaken: (typeName: string) => boolean,
): HistoryField {
  const node = field.astNode ?? {}
  const typeName = `${field.name.slice(0, 1).toUpperCase()}${field.name.slice(1)}History`
  if (isTaken(typeName)) {
    mistakes.error(
      node,
      `the history of Subscription.${field.name} needs the name ${typeName}, which another type has: rename that type`,
    )
  }
  if (event.builtIn.after === undefined) {
    mistakes.error(
      node,
      `the history of Subscription.${field.name} needs a cursor to continue after, and "after" is an argument of its own: declare an argument of the type Cursor`,
    )
  }
  const conditions = new Set(event.conditions.map(({ name }) => name))
  if (conditions.has(pageArgument)) {
    mistakes.error(
      node,
      `the history of Subscription.${field.name} has the argument "${pageArgument}" for the size of a page: choose another name for the field's own`,
    )
  }
  const wanted = [event.builtIn.filter, event.builtIn.after]
  const first = {
    ...addedArgument(
      pageArgument,
      known.int,
      `At most ${maxPage}. A page of large messages ends earlier, with \`hasMore\`.`,
    ),
    defaultValue: defaultPage,
  }
  const type = new GraphQLObjectType({
    name: typeName,
    fields: {
      // An element is what the field itself delivers, so it is nullable where the field is.
      events: { type: new GraphQLNonNull(new GraphQLList(field.type)) },
      cursor: {
        type: new GraphQLNonNull(known.cursor),
        description: 'The position after the last event of this page: `after` of the next page.',
      },
      hasMore: { type: new GraphQLNonNull(GraphQLBoolean) },
      gap: { type: known.eventGap, description: 'Events are missing in this page.' },
    },
  })
  return {
    name: `${field.name}History`,
    description: `The past events of \`Subscription.${field.name}\` in pages, oldest first, as far as the journal keeps them.`,
    type: new GraphQLNonNull(type),
    args: [
      ...field.args.filter(({ name }) => conditions.has(name)),
      ...wanted.flatMap((role) => field.args.filter(({ name }) => name === role)),
      first,
    ],
    deprecationReason: field.deprecationReason,
    extensions: {},
    astNode: undefined,
  }
}
