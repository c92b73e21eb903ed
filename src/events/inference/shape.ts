import { JsonNumber } from '../../core/json/json-number.ts'
import { isWritable } from '../draft/sketch.ts'
import { NumberStats, TextStats } from './leaf-stats.ts'

/** Deeper values are JSON. A client that selects as deep would meet limits of its own. */
const maxDepth = 10
/** Members of one object that are looked at. */
const maxMembers = 1_000
/** Places of all samples together: what inference may use of memory, and what it may write. */
const maxPlaces = 20_000

/** The kinds of JSON values, but null. */
export type JsonKind = 'text' | 'number' | 'boolean' | 'object' | 'array'

/** Counts places, so that bodies with ever new members end somewhere. */
export interface ShapeBudget {
  places: number
}

export function newBudget(): ShapeBudget {
  return { places: maxPlaces }
}

/** What was seen at one place of the bodies. */
export class Shape {
  /** Values, null included. */
  seen = 0
  nulls = 0
  readonly text = new TextStats()
  readonly numbers = new NumberStats()
  booleans = 0
  objects = 0
  readonly members = new Map<string, Shape>()
  /** There were more members than are kept. */
  isWide = false
  arrays = 0
  elements: Shape | undefined
  /** There were deeper values than are kept, or too many. */
  isCut = false

  /** Not undefined: a member that is absent is not added at all. */
  add(value: unknown, budget: ShapeBudget, depth = 0): void {
    this.seen += 1
    if (value === null || value === undefined) this.nulls += 1
    else if (typeof value === 'string') this.text.add(value)
    else if (typeof value === 'number' || typeof value === 'bigint' || value instanceof JsonNumber)
      this.numbers.add(value)
    else if (typeof value === 'boolean') this.booleans += 1
    else if (Array.isArray(value)) this.#addElements(value, budget, depth + 1)
    else if (typeof value === 'object') this.#addMembers(value as Record<string, unknown>, budget, depth + 1)
    else this.nulls += 1
  }

  get kinds(): readonly JsonKind[] {
    const kinds: JsonKind[] = []
    if (this.text.count > 0) kinds.push('text')
    if (this.numbers.count > 0) kinds.push('number')
    if (this.booleans > 0) kinds.push('boolean')
    if (this.objects > 0) kinds.push('object')
    if (this.arrays > 0) kinds.push('array')
    return kinds
  }

  #addElements(values: readonly unknown[], budget: ShapeBudget, depth: number): void {
    this.arrays += 1
    if (values.length === 0) return
    if (!this.elements && !this.#mayGrow(budget, depth)) return
    this.elements ??= new Shape()
    for (const value of values) this.elements.add(value, budget, depth)
  }

  #addMembers(value: Record<string, unknown>, budget: ShapeBudget, depth: number): void {
    this.objects += 1
    for (const name of Object.keys(value)) {
      let member = this.members.get(name)
      if (!member) {
        if (this.members.size >= maxMembers) this.isWide = true
        if (this.isWide || !this.#mayGrow(budget, depth)) continue
        member = new Shape()
        this.members.set(name, member)
      }
      member.add(value[name], budget, depth)
    }
  }

  #mayGrow(budget: ShapeBudget, depth: number): boolean {
    if (depth > maxDepth || budget.places <= 0) {
      this.isCut = true
      return false
    }
    budget.places -= 1
    return true
  }
}

/** What several places have in common, without what is inside of objects. */
export function mergedLeaves(shapes: readonly Shape[]): Shape {
  const [only] = shapes
  if (shapes.length === 1 && only) return only
  const merged = new Shape()
  for (const shape of shapes) {
    merged.seen += shape.seen
    merged.nulls += shape.nulls
    if (shape.text.count > 0) merged.text.merge(shape.text)
    if (shape.numbers.count > 0) merged.numbers.merge(shape.numbers)
    merged.booleans += shape.booleans
    merged.objects += shape.objects
    merged.arrays += shape.arrays
    merged.isCut ||= shape.isCut
    merged.isWide ||= shape.isWide
  }
  return merged
}

const idLikeKey =
  /^(?:\d+|[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}|(?=[a-z]*\d)[\da-f]{12,}|(?=.*\d)[\dA-HJKMNP-TV-Z]{26}|[^@\s]+@[^@\s]+|\d{4}-\d\d-\d\d.*)$/i
/** Below this many names an object with members of one kind may be a type with optional fields. */
const minSparseNames = 20
/** How many of the names an object of a sparse map has on average, at most. */
const maxSparseShare = 0.2

/**
 * Whether the objects are maps: their member names are values, such as ids, which a GraphQL type
 * cannot list.
 */
export function isMap({ members, objects, isWide }: Shape): boolean {
  if (members.size === 0) return false
  const names = [...members.keys()]
  if (names.every((name) => idLikeKey.test(name)) || !names.some(isWritable)) return true
  if (isWide) return true
  if (members.size < minSparseNames) return false
  const shapes = [...members.values()]
  const total = shapes.reduce((sum, { seen }) => sum + seen, 0)
  const kinds = new Set(shapes.flatMap((shape) => shape.kinds))
  return kinds.size <= 1 && total / (members.size * objects) <= maxSparseShare
}
