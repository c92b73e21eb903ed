import type { EventSchema } from '../model/event-schema.ts'
import { isAllowed } from './allow-rules.ts'
import { type Caller, isPrivileged, refusal, type UsedField } from './caller.ts'

/**
 * Whether the caller may select an output field and filter by it: `@allow` on the field, which has
 * scopes only. `name`: `Type.field`. A field without `@allow` is for every caller of the root field.
 */
export function maySelect(
  schema: Pick<EventSchema, 'objects'>,
  caller: Caller,
  used: UsedField,
  name: string,
): boolean {
  const [type = '', field = ''] = name.split('.')
  const allow = schema.objects.get(type)?.get(field)?.allow ?? []
  return allow.length === 0 || isPrivileged(caller, used) || isAllowed(allow, caller, noArguments)
}

/**
 * Throws `UNAUTHENTICATED` or `FORBIDDEN` unless the caller may select all of these fields
 * (`Type.field`). Called when an operation starts and when its token changes.
 */
export function demandSelection(
  schema: Pick<EventSchema, 'objects'>,
  caller: Caller,
  used: UsedField,
  names: Iterable<string>,
): void {
  for (const name of names) if (!maySelect(schema, caller, used, name)) throw refusal(caller, used)
}

/** Output fields have no arguments for scopes. */
const noArguments = () => []
