import { readPointer } from '../../core/json/json-pointer.ts'
import type { EventBinding } from '../model/event-schema.ts'
import type { EventInput } from '../model/typed-value.ts'
import type { Captures } from './key-matcher.ts'

/**
 * A message as one event field reads it. The first of the field's bindings that takes the message
 * decides on the captures, the payload and the place of the event type.
 */
export class MessageReading {
  readonly input: EventInput
  readonly binding: EventBinding
  readonly captures: Captures
  #payload: { readonly value: unknown } | undefined

  constructor(input: EventInput, binding: EventBinding, captures: Captures) {
    this.input = input
    this.binding = binding
    this.captures = captures
  }

  /**
   * The value at `@events(body:)`; undefined if the message has none. Throws `UndecodableBody`, as
   * `EventInput` does.
   */
  get payload(): unknown {
    this.#payload ??= { value: readPointer(this.input.body(), this.binding.body) }
    return this.#payload.value
  }
}
