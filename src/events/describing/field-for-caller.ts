import type { FieldForCaller } from '../../core/inspection/definitions/field-definition.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { EventAccess } from '../../core/ports/event-matcher.ts'
import { badInput } from '../../errors.ts'
import type { NamedEvents, NamedSubscription } from '../serving/named-events.ts'

/** See `SchemaReader.fieldFor`. */
export function fieldForCaller(named: NamedEvents | undefined, identity: Identity, name: string): FieldForCaller {
  const open = (): NamedSubscription => {
    const found = named?.open(name.includes('?') ? name : `${name}?`, 'field')
    if (!found) throw badInput('field', `the schema has no typed field "${name.split('?')[0]}"`)
    return found
  }
  const reader = open()
  return {
    get access() {
      return accessOf(open(), identity)
    },
    resultOf: (event) => {
      reader.printFor(identity)
      const result = reader.resultOf(event)
      if (!result) return undefined
      if (result.kind === 'error') return { kind: 'error', message: result.error.message }
      return { kind: 'value', json: result.json, removedKey: result.state?.removed }
    },
  }
}

/** Has the rights of this identity, and not those of the session that subscribes. */
function accessOf(field: NamedSubscription, identity: Identity): EventAccess {
  return {
    wanted: field.wanted,
    topicFor: () => field.topicFor(identity),
    reload: () => field.reload(),
    release: () => field.release(),
  }
}
