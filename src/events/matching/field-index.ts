import { createHash } from 'node:crypto'
import { printPointer } from '../../core/json/json-pointer.ts'
import type { Conditions } from '../access/conditions.ts'
import type { EventField, EventSchema } from '../model/event-schema.ts'
import { isTextPlace, type Place } from '../model/place.ts'
import type { TypedValue, Verdict } from '../model/typed-value.ts'
import { ConditionShape, type IndexedKey, maxCombinations, tuplesOf } from './condition-shape.ts'
import { claimEquality, type Equality, equalityOf } from './equality.ts'
import type { MessageReading } from './message-reading.ts'
import { type OnlyTest, onlyTestOf } from './only-condition.ts'
import { type PlaceReader, placeReaderOf } from './place-reader.ts'

/** What a message is for one field. */
export type FieldOutcome =
  /** `keys`: the keys in use that the message matches, each once. May be empty. */
  { readonly kind: 'matched'; readonly keys: readonly string[] } | Extract<Verdict, { kind: 'filtered' | 'invalid' }>

/**
 * The value of the message for the field, needed only for filters; undefined if it has none, and
 * then no filter matches. Called at most once for each call of `match`.
 */
export type ValueOf = () => TypedValue | typeof removedKey | undefined

/** The value of a message that removes a key of keyed state. It passes each filter. */
export const removedKey = Symbol('removed key')

/** What filters judge of a verdict. */
export function valueIn(verdict: Verdict): ReturnType<ValueOf> {
  if (verdict.kind !== 'valid') return undefined
  return verdict.removed === undefined ? verdict.value : removedKey
}

/** Longer texts of conditions are replaced by a hash. */
const maxKeyLength = 200

interface Slot {
  /** Index in the places of the field: two conditions may read the same place. */
  readonly read: number
  readonly place: Place
  readonly canonical: (value: unknown) => string | undefined
}

const nothing: FieldOutcome = { kind: 'matched', keys: [] }

/**
 * The subscriptions of one event field, indexed by the values of their conditions, so that a
 * message needs one look-up for each set of conditions in use and not one for each subscription.
 */
export class FieldIndex {
  readonly field: EventField
  readonly #slots: readonly Slot[]
  readonly #readers: readonly PlaceReader[]
  readonly #only: readonly OnlyTest[]
  readonly #shapes = new Map<string, ConditionShape>()
  readonly #targets = new Map<string, IndexedKey>()
  readonly #enums: EventSchema['enums']
  /** By the shape of the conditions. */
  readonly #meanings = new Map<string, string>()
  #lookups = 0

  constructor(field: EventField, schema: Pick<EventSchema, 'enums'>) {
    this.field = field
    this.#enums = schema.enums
    const readers = new Map<string, { index: number; read: PlaceReader }>()
    const slotOf = (place: Place, equality: Equality): Slot => {
      const name = JSON.stringify(place)
      const reader = readers.get(name) ?? { index: readers.size, read: placeReaderOf(place) }
      readers.set(name, reader)
      const { ofText, ofJson } = equality
      return { read: reader.index, place, canonical: isTextPlace(place) ? (text) => ofText(text as string) : ofJson }
    }
    this.#slots = [
      ...field.conditions.map(({ kind, enumName, place }) =>
        slotOf(place, equalityOf(kind, enumName === undefined ? undefined : schema.enums.get(enumName))),
      ),
      ...field.ownerPlaces.map(({ place }) => slotOf(place, claimEquality(isTextPlace(place)))),
    ]
    this.#readers = [...readers.values()].map(({ read }) => read)
    this.#only = field.only.map(onlyTestOf)
  }

  /** An index of one subscription with these conditions. */
  only(conditions: Conditions): FieldIndex {
    const index = new FieldIndex(this.field, { enums: this.#enums })
    index.add(conditions)
    return index
  }

  /** How many different conditions are in use. Without any, no message need be matched. */
  get size(): number {
    return this.#targets.size
  }

  /** How many sets of conditions are in use. */
  get shapes(): number {
    return this.#shapes.size
  }

  /** How many look-ups all messages have needed. */
  get lookups(): number {
    return this.#lookups
  }

  /**
   * Adds a subscription and returns the key of its conditions, which begins with a NUL and so is no
   * client id. Subscriptions with equal conditions share a key.
   */
  add(conditions: Conditions): string {
    const key = this.keyOf(conditions)
    const known = this.#targets.get(key)
    if (known) {
      known.count += 1
      return key
    }
    const target: IndexedKey = { key, filter: conditions.filter, count: 1 }
    this.#targets.set(key, target)
    const { name, slots, columns } = shapeOf(conditions)
    const shape = this.#shapes.get(name) ?? new ConditionShape(slots)
    this.#shapes.set(name, shape)
    shape.add(columns, target)
    return key
  }

  /** Removes one subscription that was added with these conditions. */
  remove(conditions: Conditions): void {
    const target = this.#targets.get(this.keyOf(conditions))
    if (!target) return
    target.count -= 1
    if (target.count > 0) return
    this.#targets.delete(target.key)
    const { name, columns } = shapeOf(conditions)
    const shape = this.#shapes.get(name)
    shape?.remove(columns, target)
    if (shape?.isEmpty) this.#shapes.delete(name)
  }

  /**
   * Equal for subscriptions with equal conditions that mean the same, on every replica and after a
   * reload that changes neither.
   */
  keyOf(conditions: Conditions): string {
    const { name, columns } = shapeOf(conditions)
    const text = JSON.stringify([columns, conditions.filter?.key ?? null])
    return `\0${this.field.name}\0${this.#meaningOf(name)}${text.length > maxKeyLength ? hashOf(text) : text}`
  }

  /** Of a set of conditions: which messages, and what is compared with which place. */
  #meaningOf(shape: string): string {
    const known = this.#meanings.get(shape)
    if (known !== undefined) return known
    const { bindings, only, conditions, ownerPlaces } = this.field
    const slots = shape === '' ? [] : shape.split(',').map(Number)
    const used = slots.map((slot) => {
      const condition = conditions[slot]
      if (!condition) return ownerPlaces[slot - conditions.length]?.place
      const { name, kind, place, enumName } = condition
      return [name, kind, place, enumName === undefined ? null : [...(this.#enums.get(enumName)?.textOf ?? [])]]
    })
    const meaning = hashOf(JSON.stringify([bindings.map(({ location: _location, ...rest }) => rest), only, used]))
    this.#meanings.set(shape, meaning)
    return meaning
  }

  /** The keys that the message matches; none if it is filtered or invalid. */
  keysOf(reading: MessageReading, valueOf: ValueOf): readonly string[] {
    const outcome = this.match(reading, valueOf)
    return outcome.kind === 'matched' ? outcome.keys : []
  }

  /**
   * Matches a message that one of the field's bindings takes. Reads each place at most once, and
   * the body only if a condition in use is on it. Throws `UndecodableBody`.
   */
  match(reading: MessageReading, valueOf: ValueOf): FieldOutcome {
    if (this.#targets.size === 0) return nothing
    const found: IndexedKey[] = []
    const columns: (Column | undefined)[] = []
    const values: unknown[] = []
    const parts: string[] = []
    let crowded: ConditionShape | undefined
    for (const shape of this.#shapes.values()) {
      let combinations = 1
      for (const index of shape.slots) {
        combinations *= countOf((columns[index] ??= this.#columnAt(index, reading, values)))
        if (combinations === 0) break
      }
      if (combinations > maxCombinations) crowded = shape
      else if (combinations === 1) this.#take(shape.tupleOf(columns, parts), shape, found)
      else if (combinations > 1) this.#takeAll(shape, columns, found)
    }
    if (found.length === 0 && !crowded) return nothing
    for (const { read, holds } of this.#only) if (!holds(read(reading))) return { kind: 'filtered' }
    return crowded ? this.#tooMany(crowded, reading, columns) : { kind: 'matched', keys: keysPassing(found, valueOf) }
  }

  /**
   * For `warren trace`: the conditions that exclude the message, one for each set of conditions in
   * use, by the name of the argument (`owner` for the field's own). Reads every subscription.
   */
  excludingConditions(reading: MessageReading, valueOf: ValueOf): readonly string[] {
    const names = new Set<string>()
    const values: unknown[] = []
    for (const shape of this.#shapes.values()) {
      const columns: Column[] = []
      for (const index of shape.slots) columns[index] = this.#columnAt(index, reading, values)
      const position = shape.slots.findIndex((index, at) => {
        const inUse = shape.valuesAt(at)
        return !textsIn(columns[index]).some((text) => inUse.has(text))
      })
      const slot = shape.slots[position]
      if (slot !== undefined) names.add(this.#nameOf(slot))
      else if (this.keysOf(reading, valueOf).length === 0) names.add(this.#combinationOf(shape, columns))
    }
    return [...names]
  }

  /**
   * The text at the place of the field's first condition; empty for none, for several, and for a
   * field without conditions. For the index of keyed state.
   */
  firstTextOf(reading: MessageReading): string {
    const column = this.#columnAt(0, reading, [])
    return typeof column === 'string' ? column : ''
  }

  #nameOf(slot: number): string {
    return this.field.conditions[slot]?.name ?? 'owner'
  }

  /** Each value is in use, and not together; or they are, and the filter excludes the message. */
  #combinationOf(shape: ConditionShape, columns: readonly Column[]): string {
    const found = tuplesOf(shape.slots.map((index) => textsIn(columns[index]))).some((tuple) => shape.targetsOf(tuple))
    return found ? 'filter' : shape.slots.map((slot) => this.#nameOf(slot)).join(' and ')
  }

  #take(tuple: string, shape: ConditionShape, found: IndexedKey[]): void {
    this.#lookups += 1
    const targets = shape.targetsOf(tuple)
    if (targets) for (const target of targets) found.push(target)
  }

  /** Several combinations can find one subscription, but only within a shape. */
  #takeAll(shape: ConditionShape, columns: readonly (Column | undefined)[], found: IndexedKey[]): void {
    const inShape: IndexedKey[] = []
    for (const tuple of tuplesOf(shape.slots.map((index) => textsIn(columns[index])))) this.#take(tuple, shape, inShape)
    for (const target of new Set(inShape)) found.push(target)
  }

  #columnAt(index: number, reading: MessageReading, values: unknown[]): Column {
    const slot = this.#slots[index]
    if (!slot) return none
    const { read, canonical } = slot
    // Undefined also stands for a place that was not read yet: reading it again changes nothing.
    values[read] ??= this.#readers[read]?.(reading)
    const value = values[read]
    if (value === undefined || value === null) return none
    if (Array.isArray(value)) {
      const texts = new Set<string>()
      for (const element of value) {
        const text = canonical(element)
        if (text !== undefined) texts.add(text)
      }
      return [...texts]
    }
    return canonical(value) ?? none
  }

  #tooMany(shape: ConditionShape, reading: MessageReading, columns: readonly (Column | undefined)[]): FieldOutcome {
    const sizeOf = (index: number) => countOf(columns[index])
    const [longest = 0] = shape.slots.toSorted((a, b) => sizeOf(b) - sizeOf(a))
    const place = this.#slots[longest]?.place
    const tokens = place?.kind === 'body' ? [...reading.binding.body, ...place.pointer] : []
    const combinations = shape.slots.reduce((product, index) => product * sizeOf(index), 1)
    return {
      kind: 'invalid',
      pointer: printPointer(place?.kind === 'envelope' ? place.pointer : tokens),
      expected: `arrays that make at most ${maxCombinations} combinations of values, got ${combinations}`,
    }
  }
}

/** The canonical texts at the place of a slot: several for an array, none without a value. */
type Column = string | readonly string[]
const none: readonly string[] = []

function countOf(column: Column | undefined): number {
  return typeof column === 'string' ? 1 : (column?.length ?? 0)
}

function textsIn(column: Column = none): readonly string[] {
  return typeof column === 'string' ? [column] : column
}

/** The keys with a filter that the message's value passes, or without one. */
function keysPassing(targets: readonly IndexedKey[], valueOf: ValueOf): string[] {
  const keys: string[] = []
  let verdicts: Map<string, boolean> | undefined
  let value: { readonly of: ReturnType<ValueOf> } | undefined
  for (const { key, filter } of targets) {
    if (filter) {
      verdicts ??= new Map()
      let passes = verdicts.get(filter.key)
      if (passes === undefined) {
        value ??= { of: valueOf() }
        // A removed key has no value that a filter could judge; clients may know the key.
        passes = value.of === removedKey || (value.of !== undefined && filter.test(value.of))
        verdicts.set(filter.key, passes)
      }
      if (!passes) continue
    }
    keys.push(key)
  }
  return keys
}

/** 12 characters. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12)
}

function shapeOf({ values }: Conditions): { name: string; slots: number[]; columns: (readonly string[])[] } {
  const slots: number[] = []
  const columns: (readonly string[])[] = []
  for (const [index, texts] of values.entries()) {
    if (!texts) continue
    slots.push(index)
    columns.push(texts)
  }
  return { name: slots.join(), slots, columns }
}
