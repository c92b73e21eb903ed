import { JsonNumber } from '../../core/json/json-number.ts'
import type { EventInput } from '../model/typed-value.ts'
import type { ReadEventTypes } from './event-type.ts'

/** The value is invalid, or inside it a value is; `Reading` holds where and why. */
export const broken = Symbol('broken')

/**
 * Objects and lists inside each other. A body nests at most as deep (`maxDepth` of `core/body`).
 */
const maxLevels = 1_000
/**
 * Objects and elements of lists in one message. A recursive type with two fields at one place would
 * double them with each level of the body.
 */
const maxValues = 1_000_000
/** Places that `invalid: NULL` makes null in one message; each is named to clients. */
const maxNulled = 1_000

/** How a value is found from the one that contains it: the index of an element, or a place. */
export type Step = number | PlaceStep

export interface PlaceStep {
  /** A JSON pointer, or `header:<name>` and so on. */
  readonly text: string
  /** A pointer from the whole body, or no pointer. */
  readonly absolute: boolean
}

/** The state of reading one message to the type of one field. */
export class Reading {
  readonly input: EventInput
  /** `invalid: NULL`: the nearest nullable place around an invalid value becomes null. */
  readonly nulls: boolean
  /** Pointers of what became null. */
  readonly invalid: string[] = []
  /** The event type names no member: the message is not for this field. */
  filtered = false
  /** Past one of the bounds. The message is invalid, whatever may be null. */
  exceeded = false
  /** The last invalid value. */
  pointer = ''
  expected = ''
  readonly #path: Step[] = []
  #values = 0
  #levels = 0
  #types: readonly string[] | undefined

  constructor(input: EventInput, nulls: boolean) {
    this.input = input
    this.nulls = nulls
  }

  /** The event types of the message, read once. */
  eventTypes(read: ReadEventTypes): readonly string[] {
    this.#types ??= read(this.input)
    return this.#types
  }

  /** False if the message has too many values or levels; the failure is recorded then. */
  enter(): boolean {
    if (this.#levels === maxLevels) return this.#refuse(`at most ${maxLevels} levels`)
    if (!this.count(1)) return false
    this.#levels += 1
    return true
  }

  leave(): void {
    this.#levels -= 1
  }

  /** False if the message has too many values; the failure is recorded then. */
  count(values: number): boolean {
    this.#values += values
    return this.#values <= maxValues || this.#refuse(`at most ${maxValues} values`)
  }

  /** Notes that the place became null. False if too many did; the failure is recorded then. */
  nulled(step: Step): boolean {
    if (this.invalid.length === maxNulled) return this.#refuse(`at most ${maxNulled} invalid values`)
    this.invalid.push(this.pointerOf(step))
    return true
  }

  push(step: Step): void {
    this.#path.push(step)
  }

  pop(): void {
    this.#path.pop()
  }

  fail(expected: string, got: string, step?: Step): typeof broken {
    this.pointer = this.pointerOf(step)
    this.expected = `${expected}, got ${got}`
    return broken
  }

  /** The pointer of the step from the value at hand; without a step, of the value itself. */
  pointerOf(step?: Step): string {
    const steps = step === undefined ? this.#path : [...this.#path, step]
    let text = ''
    for (let at = steps.length - 1; at >= 0; at -= 1) {
      const one = steps[at]
      if (typeof one === 'number') text = `/${one}${text}`
      else if (one?.absolute) return one.text + text
      else text = (one?.text ?? '') + text
    }
    return text
  }

  #refuse(expected: string): false {
    this.exceeded = true
    this.pointer = this.pointerOf()
    this.expected = expected
    return false
  }
}

/** What came, without its value: errors reach logs, and values may be personal data. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof JsonNumber) return 'a number'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
