import {
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNullableType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql'
import type { GapForm, ObjectMapping } from '../../model/event-schema.ts'
import type { Place } from '../../model/place.ts'
import type { SdlContext } from '../context.ts'
import { type LocatedNode, listed } from '../mistakes.ts'
import type { KnownTypes } from '../type-system/known-types.ts'

export interface GapFormParts {
  readonly context: SdlContext
  readonly known: KnownTypes
  readonly objects: ReadonlyMap<string, ObjectMapping>
}

/** The form of a gap by the type of the field (rule 3 of docs/guides/typed-events.md). */
export function gapFormOf(
  { context, known, objects }: GapFormParts,
  {
    path,
    type,
    gap,
    node,
  }: { path: string; type: GraphQLOutputType; gap: 'AUTO' | 'ERROR' | 'NEXT'; node: LocatedNode },
): GapForm {
  const { mistakes } = context
  if (gap === 'ERROR') return { kind: 'error' }
  if (gap === 'NEXT') {
    if (!isNonNullType(type)) {
      mistakes.error(
        node,
        `"gap: NEXT" is for fields that are not null, and ${path} is nullable: leave it out, and a gap is null`,
      )
    }
    return { kind: 'next' }
  }
  const nullable = getNullableType(type)
  if (isUnionType(nullable) && nullable.getTypes().includes(known.eventGap)) return { kind: 'member' }
  if (isObjectType(nullable)) {
    const field = gapFieldOf(objects.get(nullable.name))
    if (field !== undefined) {
      checkEnvelope(context, nullable, objects.get(nullable.name), path)
      return { kind: 'field', field }
    }
  }
  if (!isNonNullType(type)) return { kind: 'null' }
  mistakes.remark(
    node,
    `a gap of ${path} is an error with the code GAP, because the field cannot be null: Apollo Client 3 (default policy) and Relay end the subscription there, and urql shows the error for ever; make the field nullable, add EventGap to its union, or add a field EventGap @from(property: GAP) to its type`,
  )
  return { kind: 'error' }
}

export function gapFieldOf(mapping: ObjectMapping | undefined): string | undefined {
  return [...(mapping ?? [])].find(([, { place }]) => isProperty(place, 'GAP'))?.[0]
}

function isProperty(place: Place, name: string): boolean {
  return place.kind === 'property' && place.property === name
}

/** In a gap, all that comes from a message is null. */
function checkEnvelope(
  { mistakes }: SdlContext,
  type: GraphQLObjectType,
  mapping: ObjectMapping | undefined,
  path: string,
): void {
  const known = ['GAP', 'CURSOR']
  const fields = Object.values(type.getFields()).filter(({ name, type: fieldType }) => {
    const place = mapping?.get(name)?.place
    return isNonNullType(fieldType) && place && !known.some((property) => isProperty(place, property))
  })
  for (const field of fields) {
    mistakes.error(
      field.astNode?.type ?? {},
      `${type.name}.${field.name} must be nullable: in a gap of ${path} everything that comes from a message is null (${listed(known)} are not)`,
    )
  }
}
