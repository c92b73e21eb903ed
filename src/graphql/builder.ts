import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import { GraphQLError } from 'graphql'
import { GraphQLDateTime } from 'graphql-scalars'
import { type Cursor, printCursor } from '../core/model/cursor.ts'
import type { Context } from './context.ts'
import { LosslessJSON } from './scalars/lossless-scalars.ts'

export interface Types {
  Context: Context
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    /** An invalid cursor yields a GAP event, not an error, so the input is plain text. */
    /** Typed events and other replicas have it printed. */
    Cursor: { Input: string; Output: Cursor | string }
    JSON: { Input: unknown; Output: unknown }
    /** `timeOf` reads it. */
    DateTime: { Input: Date | string; Output: Date }
  }
}

/**
 * The assumed number of items of a list. `limited-parse.ts` adds up the cost and rejects an
 * operation before execution.
 */
const listMultiplier = 5

export const builder = new SchemaBuilder<Types>({
  defaultFieldNullability: false,
  plugins: [ComplexityPlugin],
  complexity: { defaultComplexity: 1, defaultListMultiplier: listMultiplier },
})

builder.queryType({})
builder.mutationType({})
builder.subscriptionType({})

builder.addScalarType('JSON', LosslessJSON)
builder.addScalarType('DateTime', GraphQLDateTime)
builder.scalarType('Cursor', {
  description:
    'A position in the stream of events. Opaque, and valid on every replica and transport of one deployment.',
  // Typed events have it printed.
  serialize: (value: Cursor | string) => (typeof value === 'string' ? value : printCursor(value)),
  parseValue: (value) => {
    if (typeof value !== 'string') throw new GraphQLError('Cursor: expected a string')
    return value
  },
})
