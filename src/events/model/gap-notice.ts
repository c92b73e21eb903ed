import { type GraphQLField, getNamedType, isObjectType } from 'graphql'
import type { EventField, EventSchema } from './event-schema.ts'
import { TypedObject, type TypedValue } from './typed-value.ts'

export const gapTypeName = 'EventGap'

/** What the type `EventGap` contains. The cursors are printed. */
export interface GapNotice {
  readonly reason: string
  readonly oldest: string | null
  readonly cursor: string
}

/**
 * The value of an event field that announces a gap (rule 3 of docs/guides/typed-events.md).
 * Undefined if the form of the field is an error, or a mark on the next event.
 */
export function gapValue({ schema, objects }: EventSchema, field: EventField, gap: GapNotice): TypedValue | undefined {
  const { gapForm } = field
  switch (gapForm.kind) {
    case 'member':
      return gapObject(gap)
    case 'field': {
      const root = schema.getSubscriptionType()?.getFields()[field.name]
      const type = root && getNamedType(root.type)
      if (!type || !isObjectType(type)) return undefined
      const places = objects.get(type.name)
      const valueOf = ({ name }: GraphQLField<unknown, unknown>) => {
        if (name === gapForm.field) return gapObject(gap)
        const place = places?.get(name)?.place
        // The only other value that is not from the message.
        return place?.kind === 'property' && place.property === 'CURSOR' ? gap.cursor : null
      }
      return new TypedObject(
        type.name,
        Object.fromEntries(Object.values(type.getFields()).map((one) => [one.name, valueOf(one)])),
      )
    }
    case 'null':
      return null
    default:
      return undefined
  }
}

/** The value of the type `EventGap`. */
export function gapObject({ reason, oldest, cursor }: GapNotice): TypedObject {
  return new TypedObject(gapTypeName, { reason, oldest, cursor })
}
