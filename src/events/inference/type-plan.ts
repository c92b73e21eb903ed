import { printPointer } from '../../core/json/json-pointer.ts'
import { fieldName, pascalCase, singularWords, typeName, UniqueNames, wordsOf } from '../draft/names.ts'
import {
  directive,
  example,
  type FieldSketch,
  isWritable,
  literal,
  type ObjectSketch,
  type TypeSketch,
} from '../draft/sketch.ts'
import { EnumPlans } from './enum-plans.ts'
import { type LeafType, leafTypeOf } from './leaf-type.ts'
import { commonSuffix, elementName, knownShape, leftOutRemark, readAs } from './member-words.ts'
import { isMap, mergedLeaves, type Shape } from './shape.ts'

/** More fields or types help no reader. Members that a type does not name are ignored. */
const maxFields = 200
const maxTypes = 300

/** Objects of one type: equal members of equal types, wherever they are. */
interface Group {
  readonly shapes: Shape[]
  /** The names of the members that hold such objects. */
  readonly uses: Set<string>
  name: string | undefined
}

/** The type of a place, without the `!` of its end. */
interface TypeReference extends Pick<LeafType, 'as' | 'note'> {
  readonly type: string
  /** Its values are listed elsewhere, so that an example shows nothing more. */
  readonly isEnum?: boolean
}

export interface PlannedFields {
  readonly fields: readonly FieldSketch[]
  /** How many members are left out. */
  readonly leftOut: number
}

/** Turns shapes into types: one for all objects that are equal. */
export class TypePlan {
  readonly #base: readonly string[]
  readonly #names: UniqueNames
  readonly #examples: boolean
  readonly #keys = new Map<Shape, string>()
  readonly #groups = new Map<string, Group>()
  readonly #enums: EnumPlans
  readonly #sharedEnums = new Map<string, ReadonlySet<string>>()
  readonly #types: TypeSketch[] = []
  #typeCount = 0

  /** `base`: the words that names of inner types begin with. */
  constructor(base: readonly string[], names: UniqueNames, examples: boolean) {
    this.#base = base
    this.#enums = new EnumPlans(base, names)
    this.#names = names
    this.#examples = examples
  }

  /**
   * A text that is equal for objects of one type. All objects that are to be written are given
   * before the first fields are read, because a type is named after all its uses.
   */
  keyOfMembers(shape: Shape): string {
    const members = [...shape.members].map(
      ([name, member]) => `${JSON.stringify(name)}:${this.#keyOf(readAs(name, shape.members), member)}`,
    )
    return members.sort().join(',')
  }

  /** The fields of objects with equal keys. `names`: those that the type has already. */
  fieldsOf(shapes: readonly Shape[], names: UniqueNames, skip?: string): PlannedFields {
    const objects = shapes.reduce((sum, shape) => sum + shape.objects, 0)
    const members = new Map<string, Shape[]>()
    for (const shape of shapes) {
      for (const [name, member] of shape.members) members.set(name, [...(members.get(name) ?? []), member])
    }
    const writable = [...members].filter(([name]) => isWritable(name) && name !== skip)
    const seen = ([, found]: [string, Shape[]]) => found.reduce((sum, shape) => sum + shape.seen, 0)
    const kept = new Set(
      writable.length > maxFields ? [...writable].sort((a, b) => seen(b) - seen(a)).slice(0, maxFields) : writable,
    )
    // Members that are valid names keep them; others make way.
    const chosen = new Map<string, string>()
    for (const [name] of kept) if (fieldName(name) === name) chosen.set(name, names.take(name))
    for (const [name] of kept) if (!chosen.has(name)) chosen.set(name, names.take(fieldName(name)))
    return {
      fields: writable
        .filter((entry) => kept.has(entry))
        .map(([member, found]) =>
          this.#field(
            chosen.get(member) ?? member,
            member,
            this.#typeOf(readAs(member, members), found),
            found,
            objects,
          ),
        ),
      leftOut: members.size - kept.size - (skip !== undefined && members.has(skip) ? 1 : 0),
    }
  }

  /** A field for values from elsewhere: `place` is its directive. */
  fieldAt(
    name: string,
    place: { readonly from: string; readonly member: string },
    shapes: readonly Shape[],
    of: number,
  ): FieldSketch {
    const reference = this.#typeOf(place.member, shapes)
    const { seen, nulls } = mergedLeaves(shapes)
    const as = reference.as === undefined ? '' : `, as: ${reference.as})`
    return {
      name,
      type: seen - nulls === of && of > 0 ? `${reference.type}!` : reference.type,
      directives: [as === '' ? place.from : `${place.from.slice(0, -1)}${as}`],
      comment: this.#comment(shapes, of, reference),
    }
  }

  /**
   * Makes a member an enum in all kinds of messages if it is one over all of them, because one kind
   * may have one of the words only.
   */
  shareEnums(kinds: readonly (readonly Shape[])[]): void {
    if (kinds.length < 2) return
    const all = kinds.flat()
    for (const member of new Set(all.flatMap(({ members }) => [...members.keys()]))) {
      const leaf = leafTypeOf(member, mergedLeaves(all.flatMap(({ members }) => members.get(member) ?? [])))
      if (leaf.words) this.#sharedEnums.set(member, new Set(leaf.words))
    }
  }

  /** Makes a place for objects known, as `keyOfMembers` does for the members. */
  register(member: string, shape: Shape): void {
    this.#keyOf(member, shape)
  }

  /** The types that fields refer to, in order of first use, then the enums. */
  types(): TypeSketch[] {
    return [...this.#types, ...this.#enums.types()]
  }

  #field(
    name: string,
    member: string,
    reference: TypeReference,
    shapes: readonly Shape[],
    objects: number,
  ): FieldSketch {
    const { seen, nulls } = mergedLeaves(shapes)
    const isPlain = name === member && reference.as === undefined
    const from = directive('from', { body: literal(printPointer([member])), as: reference.as })
    return {
      name,
      type: seen - nulls === objects ? `${reference.type}!` : reference.type,
      directives: isPlain ? [] : [from],
      comment: this.#comment(shapes, objects, reference),
    }
  }

  #comment(shapes: readonly Shape[], objects: number, { note, isEnum }: TypeReference): string {
    const { seen, nulls } = mergedLeaves(shapes)
    const present = seen - nulls
    if (present === 0 && note !== undefined) return note
    const often = present === objects ? `in all ${objects}` : `in ${present} of ${objects}`
    const shown = this.#examples && !isEnum ? exampleOf(shapes) : undefined
    return [`${often}${shown === undefined ? '' : `, such as ${shown}`}`, ...(note === undefined ? [] : [note])].join(
      '; ',
    )
  }

  #typeOf(member: string, shapes: readonly Shape[]): TypeReference {
    const merged = mergedLeaves(shapes)
    const { kinds } = merged
    if (kinds.length === 1 && kinds[0] === 'array') return this.#listOf(member, shapes)
    if (kinds.length === 1 && kinds[0] === 'object') return this.#objectOf(shapes, merged)
    const leaf = leafTypeOf(member, merged)
    const shared = this.#sharedEnums.get(member)
    const own = leaf.type === 'String' ? [...merged.text.distinct.keys()] : []
    if (shared && own.length > 0 && own.every((word) => shared.has(word)))
      return { type: this.#enums.nameOf(member, [...shared], merged.text.distinct), isEnum: true }
    if (leaf.type !== 'enum') return leaf
    return { type: this.#enums.nameOf(member, leaf.words ?? [], merged.text.distinct), isEnum: true }
  }

  #listOf(member: string, shapes: readonly Shape[]): TypeReference {
    const elements = shapes.flatMap((shape) => shape.elements ?? [])
    if (elements.length === 0) {
      const isCut = shapes.some((shape) => shape.isCut)
      return { type: isCut ? 'JSON' : '[JSON]', note: isCut ? 'nests too deep' : 'always empty' }
    }
    const { type, as, ...rest } = this.#typeOf(elementName(member), elements)
    // `as` cannot be written for what is inside of a list.
    const element = as === undefined ? type : as === 'EPOCH_MILLIS' ? 'BigInt' : 'Int'
    const hasNull = elements.some(({ nulls }) => nulls > 0)
    return { type: `[${element}${hasNull ? '' : '!'}]`, ...rest }
  }

  #objectOf(shapes: readonly Shape[], merged: Shape): TypeReference {
    const [first] = shapes
    const group = first === undefined ? undefined : this.#groups.get(this.#keys.get(first) ?? '')
    if (!group) {
      if (shapes.every(({ members }) => members.size === 0))
        return { type: 'JSON', note: merged.isCut ? 'nests too deep' : 'always {}' }
      return { type: 'JSON', note: 'a map: its member names are values' }
    }
    if (group.name === undefined) {
      if (this.#typeCount === maxTypes) return { type: 'JSON', note: 'too many types' }
      this.#typeCount += 1
      group.name = this.#names.take(...this.#nameOf(group))
      this.#write(group.name, group.shapes)
    }
    return { type: group.name }
  }

  #write(name: string, shapes: readonly Shape[]): void {
    const type: { -readonly [Name in keyof ObjectSketch]: ObjectSketch[Name] } = {
      kind: 'type',
      name,
      directives: [],
      remarks: [],
      fields: [],
    }
    // Before its fields, so that inner types follow it.
    this.#types.push(type)
    const { fields, leftOut } = this.fieldsOf(shapes, new UniqueNames())
    type.fields = fields
    type.remarks = leftOutRemark(leftOut)
  }

  #nameOf({ uses, shapes }: Group): [string, ...string[]] {
    const all = [...uses].map((use) => singularWords(wordsOf(use)))
    const suffix = commonSuffix(all)
    const own = suffix.length > 0 ? suffix : all.length === 1 ? (all[0] ?? []) : (knownShape(shapes) ?? all[0] ?? [])
    const isPrefixed = this.#base.every((word, index) => own[index] === word)
    const words = isPrefixed ? own : [...this.#base, ...own]
    const name = typeName(words, `${pascalCase(this.#base)}Object`)
    return [name, `${name}Data`]
  }

  #keyOf(member: string, shape: Shape): string {
    const known = this.#keys.get(shape)
    if (known !== undefined) return known
    const key = this.#newKey(member, shape)
    this.#keys.set(shape, key)
    return key
  }

  #newKey(member: string, shape: Shape): string {
    const { kinds } = shape
    if (kinds.length === 1 && kinds[0] === 'array') {
      return `[${shape.elements ? this.#keyOf(elementName(member), shape.elements) : ''}]`
    }
    if (kinds.length === 1 && kinds[0] === 'object') {
      if (shape.members.size === 0 || isMap(shape)) return 'JSON'
      return this.#join(member, shape)
    }
    const { type, as = '' } = leafTypeOf(member, shape)
    return type + as
  }

  #join(member: string, shape: Shape): string {
    const members = this.keyOfMembers(shape)
    let key = this.#ids.get(members)
    if (key === undefined) {
      key = `#${this.#ids.size}`
      this.#ids.set(members, key)
      this.#groups.set(key, { shapes: [], uses: new Set(), name: undefined })
    }
    const group = this.#groups.get(key)
    group?.shapes.push(shape)
    group?.uses.add(member)
    return key
  }

  readonly #ids = new Map<string, string>()
}

const maxNumberLength = 48

function exampleOf(shapes: readonly Shape[]): string | undefined {
  const merged = mergedLeaves(shapes)
  const [kind] = merged.kinds
  if (merged.kinds.length !== 1) return undefined
  if (kind === 'text') return merged.text.example === undefined ? undefined : example(merged.text.example)
  if (kind === 'number') return merged.numbers.example?.slice(0, maxNumberLength)
  if (kind !== 'array') return undefined
  const elements = shapes.flatMap((shape) => shape.elements ?? [])
  return elements.length === 0 ? undefined : exampleOf(elements)
}
