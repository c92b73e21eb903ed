import {
  GraphQLBoolean,
  type GraphQLField,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
  getNullableType,
  isNonNullType,
} from 'graphql'
import type { EventField } from '../../model/event-schema.ts'
import type { SdlContext } from '../context.ts'
import { listed } from '../mistakes.ts'
import { addedArgument } from './built-in-arguments.ts'
import type { KnownTypes } from './known-types.ts'

/** How many values a page of a state has. */
export const statePage = { default: 100, max: 1_000 }
const pageArguments = ['first', 'after']

/** The name of the query for the state of a field. */
export function stateQueryName(field: string): string {
  return `${field}State`
}

/** `Query.<name>State` of an event field with `@state`. */
export type StateQueryField = GraphQLField<unknown, unknown>

/** `field`: as served. `isTaken`: whether a type of the name exists. */
export function stateQueryOf(
  { mistakes }: SdlContext,
  known: KnownTypes,
  event: EventField,
  field: GraphQLField<unknown, unknown>,
  isTaken: (typeName: string) => boolean,
): StateQueryField {
  const node = field.astNode ?? {}
  const path = `Subscription.${field.name}`
  const name = stateQueryName(field.name)
  const typeName = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Connection`
  if (isTaken(typeName)) {
    mistakes.error(node, `the state of ${path} needs the name ${typeName}, which another type has: rename that type`)
  }
  const conditions = new Set(event.conditions.map(({ name: condition }) => condition))
  const taken = pageArguments.filter((argument) => conditions.has(argument))
  if (taken.length > 0) {
    mistakes.error(
      node,
      `Query.${name} has the arguments ${listed(pageArguments, 'and')} for its pages: choose another name for ${listed(taken, 'and')} of ${path}`,
    )
  }
  const page = [
    {
      ...addedArgument(
        'first',
        known.int,
        `From 1 to ${statePage.max}. A page may have fewer nodes, and yet others follow (\`hasMore\`).`,
      ),
      defaultValue: statePage.default,
    },
    addedArgument('after', GraphQLString, 'The `endCursor` of the page before.'),
  ]
  return {
    name,
    description: `The current value of each key of \`${path}\`, in the order in which they changed last.`,
    type: new GraphQLNonNull(connectionOf(typeName, known, event, field)),
    args: [
      ...field.args.filter(({ name: argument }) => conditions.has(argument) || argument === event.builtIn.filter),
      ...page,
    ],
    deprecationReason: field.deprecationReason,
    extensions: {},
    astNode: undefined,
  }
}

function connectionOf(
  name: string,
  known: KnownTypes,
  event: EventField,
  field: GraphQLField<unknown, unknown>,
): GraphQLObjectType {
  // Where the field is null, a key was removed, or `invalid: NULL` left nothing of a value.
  const isNullable = event.invalid === 'NULL' && !isNonNullType(field.type)
  const item = isNullable ? field.type : new GraphQLNonNull(getNullableType(field.type))
  return new GraphQLObjectType({
    name,
    description: `A page of the state of \`Subscription.${field.name}\`.`,
    fields: {
      nodes: {
        type: new GraphQLNonNull(new GraphQLList(item)),
        // What a page costs: see graphql/limits/operation-cost.ts.
        extensions: { holdsPage: true },
      },
      endCursor: {
        type: GraphQLString,
        description: '`after` of the next page. Null: this page is the last one.',
      },
      hasMore: { type: new GraphQLNonNull(GraphQLBoolean) },
      cursor: {
        type: new GraphQLNonNull(known.cursor),
        description: `Where the first page was read: \`after\` of a subscription to \`${field.name}\`, which delivers every change since. Equal on all pages.`,
      },
    },
  })
}
