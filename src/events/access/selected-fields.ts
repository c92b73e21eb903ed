import type { EventSchema } from '../model/event-schema.ts'
import { isAllowed } from './allow-rules.ts'
import { type EventCaller, isPrivileged, refusal, type UsedField } from './event-caller.ts'

/**
 * Whether the caller may select an output field and filter by it: `@allow` on the field, with
 * scopes only. `name`: `Type.field`. Without `@allow`, every caller of the root field may.
 */
export function maySelect(
  schema: Pick<EventSchema, 'objects'>,
  caller: EventCaller,
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
  caller: EventCaller,
  used: UsedField,
  names: Iterable<string>,
): void {
  for (const name of names) if (!maySelect(schema, caller, used, name)) throw refusal(caller, used)
}

/** Output fields have no arguments for scopes. */
const noArguments = () => []
