import { JsonNumber } from '../../core/json/json-number.ts'
import { printPointer } from '../../core/json/json-pointer.ts'
import {
  enumValueName,
  fieldName,
  pascalCase,
  singularWords,
  typeName,
  UniqueNames,
  wordsOf,
  wordsOfSchema,
} from '../draft/names.ts'
import {
  directive,
  example,
  type FieldSketch,
  inComment,
  isWritable,
  literal,
  type ObjectSketch,
  type TypeSketch,
} from '../draft/sketch.ts'
import { isIdName } from '../inference/leaf-type.ts'
import { elementName, leftOutRemark } from '../inference/member-words.ts'
import type { References } from './references.ts'
import { joined, type SchemaParts, schemaParts } from './schema-parts.ts'
import { numberType, stringType } from './schema-scalars.ts'
import { isObject, kindsOf, withVariants } from './schema-variants.ts'

const maxFields = 200
const maxTypes = 300
/** Variants of variants multiply, so they are counted. */
const maxVariants = 10_000
/** Inline schemas in inline schemas. References do not count, because each has one type. */
const maxDepth = 15

interface TypeReference {
  readonly type: string
  readonly note?: string | undefined
  /** Null is as good as any other value. */
  readonly isAny?: boolean
}

interface Context {
  /** The words of the type that has the member. */
  readonly owner: readonly string[]
  readonly member: string
  readonly depth: number
}

export interface SchemaTypesOptions {
  /** The words that names of types without a name of their own begin with. */
  base: readonly string[]
  readonly names: UniqueNames
  readonly references: References
  readonly examples: boolean
}

/** Turns JSON Schema into types: one for each schema object, however often it is referred to. */
export class SchemaTypes {
  readonly #options: SchemaTypesOptions
  readonly #objects = new Map<object, string>()
  readonly #enums = new Map<string, string>()
  readonly #types: TypeSketch[] = []
  #variants = 0

  constructor(options: SchemaTypesOptions) {
    this.#options = options
  }

  set base(words: readonly string[]) {
    this.#options.base = words
  }

  /** The types so far, in order of first use. */
  types(): readonly TypeSketch[] {
    return this.#types
  }

  insert(index: number, type: TypeSketch): void {
    this.#types.splice(index, 0, type)
  }

  /** Objects of this schema have the type of this name. */
  know({ identity }: SchemaParts, name: string): void {
    if (identity && !this.#objects.has(identity)) this.#objects.set(identity, name)
  }

  /** The name of the type for objects of this schema, if it is known. */
  nameOf({ identity }: SchemaParts): string | undefined {
    return identity && this.#objects.get(identity)
  }

  /** One level of a schema, with `oneOf` and `anyOf` merged. */
  parts(schema: unknown, depth = 0): SchemaParts {
    const { references } = this.#options
    const parts = schemaParts(schema, references)
    this.#variants += parts.variants.length
    const areTooMany = parts.variants.length > 0 && (depth >= maxDepth || this.#variants > maxVariants)
    if (areTooMany) return { ...parts, variants: [], problem: 'too many alternatives of alternatives' }
    return withVariants(parts, (variant) => this.parts(variant, depth + 1), references)
  }

  /** Each of `oneOf` and `anyOf`, with what the schema has for all of them. */
  alternatives(schema: unknown): SchemaParts[] {
    const { variants, ...own } = schemaParts(schema, this.#options.references)
    return variants.map((variant) => {
      const parts = this.parts(variant)
      const { refName, title, description } = parts
      return { ...joined({ ...own, variants: [] }, [parts]), refName, title, description }
    })
  }

  /** Of lists of objects, the objects. Null in a list would need a type of its own. */
  elementOf(parts: SchemaParts): SchemaParts | undefined {
    if (kindsOf(parts).join() !== 'array' || parts.isTuple) return undefined
    const element = this.parts(parts.items)
    return isObject(element) && !element.nullable ? element : undefined
  }

  /** Fields for the properties. `names`: those that the type has already. */
  fieldsOf(
    parts: SchemaParts,
    names: UniqueNames,
    owner: readonly string[],
    depth = 0,
  ): {
    readonly fields: readonly FieldSketch[]
    readonly leftOut: number
  } {
    const writable = [...parts.properties].filter(([name]) => isWritable(name))
    const kept = writable.slice(0, maxFields)
    const chosen = new Map<string, string>()
    for (const [name] of kept) if (fieldName(name) === name) chosen.set(name, names.take(name))
    for (const [name] of kept) if (!chosen.has(name)) chosen.set(name, names.take(fieldName(name)))
    const fields = kept.map(([member, schema]) => {
      const name = chosen.get(member) ?? member
      const from = name === member ? [] : [directive('from', { body: literal(printPointer([member])) })]
      return this.field(name, schema, { owner, member, depth }, parts.required.has(member), from)
    })
    return { fields, leftOut: parts.properties.size - kept.length }
  }

  field(name: string, schema: unknown, context: Context, isRequired: boolean, from: readonly string[]): FieldSketch {
    const parts = this.parts(schema)
    const { type, note, isAny = false } = this.#typeOf(parts, context)
    const shown = this.#options.examples ? exampleOf(parts.example) : undefined
    const comment = [...(shown === undefined ? [] : [`such as ${shown}`]), ...(note === undefined ? [] : [note])].join(
      '; ',
    )
    return {
      name,
      type: isRequired && !parts.nullable && !isAny ? `${type}!` : type,
      directives: [...from, ...(parts.isDeprecated ? ['@deprecated'] : [])],
      description: parts.description,
      comment: comment === '' ? undefined : comment,
    }
  }

  #typeOf(parts: SchemaParts, context: Context): TypeReference {
    const { problem, values } = parts
    if (problem !== undefined) return { type: 'JSON', note: inComment(problem), isAny: true }
    const kinds = kindsOf(parts)
    const [type, ...others] = kinds
    if (values !== undefined && kinds.every((kind) => kind === 'string' || kind === 'integer')) {
      const name = this.#enumOf(parts, values, context)
      if (name !== undefined) return { type: name }
    }
    // An integer is a number (JSON Schema, validation §6.1.1).
    if (kinds.length === 2 && kinds.includes('number') && kinds.includes('integer'))
      return this.#typeOf({ ...parts, types: ['number'] }, context)
    const words = wordsOf(context.member)
    if (others.length > 0) {
      const isId = isIdName(words) && kinds.every((one) => one === 'string' || one === 'integer')
      return isId ? { type: 'ID' } : { type: 'JSON', note: `mixed: ${kinds.map(inComment).join(', ')}` }
    }
    switch (type) {
      case 'object':
        return this.#objectOf(parts, context)
      case 'array':
        return this.#listOf(parts, context)
      case 'string':
        return { type: stringType(parts, words) }
      case 'integer':
      case 'number':
        return { type: numberType(type, parts, words) }
      case 'boolean':
        return { type: 'Boolean' }
      default:
        return { type: 'JSON', isAny: true }
    }
  }

  #listOf({ items, isTuple }: SchemaParts, context: Context): TypeReference {
    if (isTuple || items === undefined || typeof items === 'boolean' || context.depth >= maxDepth)
      return { type: '[JSON]' }
    const element = this.parts(items)
    const inner = { ...context, member: elementName(context.member), depth: context.depth + 1 }
    const { type, note, isAny = false } = this.#typeOf(element, inner)
    return { type: `[${type}${element.nullable || isAny ? '' : '!'}]`, note }
  }

  #objectOf(parts: SchemaParts, context: Context): TypeReference {
    const { properties, isOpen } = parts
    if (properties.size === 0 || ![...properties.keys()].some(isWritable))
      return { type: 'JSON', note: isOpen ? 'a map: its member names are values' : undefined }
    const known = this.nameOf(parts)
    if (known !== undefined) return { type: known }
    if (context.depth >= maxDepth) return { type: 'JSON', note: 'nests too deep' }
    if (this.#types.length >= maxTypes) return { type: 'JSON', note: 'too many types' }
    const { names, base } = this.#options
    const own = singularWords(wordsOf(context.member))
    const named = wordsOfSchema(parts.refName, parts.title)
    const full = typeName([...context.owner, ...own])
    const name = names.take(named.length > 0 ? typeName(named) : typeName([...base, ...own]), full)
    this.know(parts, name)
    this.write(name, parts, { description: parts.description, directives: [], depth: context.depth + 1 })
    return { type: name }
  }

  /** Writes an object type with the properties and further fields. */
  write(
    name: string,
    parts: SchemaParts,
    {
      description,
      directives,
      depth = 0,
      further = () => [],
    }: {
      readonly description: string | undefined
      readonly directives: readonly string[]
      readonly depth?: number
      readonly further?: (names: UniqueNames) => readonly FieldSketch[]
    },
  ): ObjectSketch {
    const type: { -readonly [Name in keyof ObjectSketch]: ObjectSketch[Name] } = {
      kind: 'type',
      name,
      directives,
      description,
      remarks: [],
      fields: [],
    }
    // Before its fields, so that inner types follow it.
    this.#types.push(type)
    const names = new UniqueNames()
    const { fields, leftOut } = this.fieldsOf(parts, names, wordsOf(name), depth)
    type.fields = [...fields, ...further(names)]
    type.remarks = leftOutRemark(leftOut)
    return type
  }

  /** Undefined if the values cannot be values of an enum. */
  #enumOf(parts: SchemaParts, values: readonly unknown[], { owner, member }: Context): string | undefined {
    // Of YAML, `enum: [1, yes]` for texts has a number.
    const texts = values.filter((value) => typeof value !== 'object' || value instanceof JsonNumber).map(String)
    const names = texts.map(enumValueName)
    const isPossible =
      texts.length > 1 &&
      texts.every(isWritable) &&
      names.every((name) => /[A-Z0-9]/.test(name)) &&
      new Set(names).size === names.length
    if (!isPossible) return undefined
    const named = wordsOfSchema(parts.refName, undefined)
    const own = [...this.#options.base, ...wordsOf(member)]
    const key = JSON.stringify([named, named.length > 0 ? '' : member, texts])
    const known = this.#enums.get(key)
    if (known !== undefined) return known
    const name = this.#options.names.take(
      typeName(named.length > 0 ? named : own),
      typeName([...owner, ...wordsOf(member)]),
      `${pascalCase(own)}Value`,
    )
    this.#enums.set(key, name)
    const unknown = new UniqueNames(names).take('OTHER', 'UNKNOWN', 'UNKNOWN_VALUE')
    this.#types.push({
      kind: 'enum',
      name,
      description: named.length > 0 ? parts.description : undefined,
      values: [
        ...names.map((value, index) => ({
          name: value,
          type: '',
          directives: value === texts[index] ? [] : [directive('value', { is: literal(texts[index] ?? '') })],
        })),
        { name: unknown, type: '', directives: ['@value(unknown: true)'] },
      ],
    })
    return name
  }
}

function exampleOf(value: unknown): string | undefined {
  if (typeof value === 'string') return example(value)
  return typeof value === 'number' || typeof value === 'boolean' || value instanceof JsonNumber
    ? String(value)
    : undefined
}
