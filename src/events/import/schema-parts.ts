import { type DocumentObject, isDocumentObject, listAt, objectAt, type References, textAt } from './references.ts'

/** Keywords of JSON Schema that decide about a type, after `$ref` and `allOf` are resolved. */
export interface SchemaParts {
  /** Without `null`. Empty: any. */
  readonly types: readonly string[]
  readonly nullable: boolean
  readonly properties: ReadonlyMap<string, unknown>
  readonly required: ReadonlySet<string>
  /** Other members than those of `properties` have a schema, or are allowed explicitly. */
  readonly isOpen: boolean
  readonly items: unknown
  /** Elements have types by position. */
  readonly isTuple: boolean
  /** `enum` and `const`, without null. Undefined: any value. */
  readonly values: readonly unknown[] | undefined
  /** Of `oneOf` and `anyOf`, without those that allow null only. */
  readonly variants: readonly unknown[]
  readonly format: string | undefined
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly multipleOf: number | undefined
  readonly title: string | undefined
  readonly description: string | undefined
  readonly example: unknown
  readonly isDeprecated: boolean
  /** The last name of the reference that led here: “Address” of “#/$defs/Address”. */
  readonly refName: string | undefined
  /** The same object wherever the schema is referred to, with annotations or without. */
  readonly identity: object | undefined
  /** Why the schema cannot be read. */
  readonly problem: string | undefined
}

/** Schemas of `allOf` in `allOf`, further than any author goes. */
const maxDepth = 100

/** Reads one level of a schema. Never throws. */
export function schemaParts(schema: unknown, references: References): SchemaParts {
  const seen = new Map<object, SchemaParts>()
  const parts = read(schema, references, seen, 0)
  const telling = [...seen].filter(([, own]) => !isBare(own)).map(([one]) => one)
  return telling.length > 0 ? { ...parts, identity: references.together(telling) } : parts
}

/** A schema that was read already adds nothing, so that what refers back or multiplies ends. */
function read(schema: unknown, references: References, seen: Map<object, SchemaParts>, depth: number): SchemaParts {
  if (!isDocumentObject(schema) || seen.has(schema) || depth > maxDepth) return anything
  const own = ownParts(schema, references)
  seen.set(schema, own)
  const parts = listAt(schema, 'allOf').map((part) => read(part, references, seen, depth + 1))
  const reference = textAt(schema, '$ref')
  if (reference !== undefined) {
    const target = references.follow(reference)
    const problem = target ? undefined : `the reference "${reference}" leads out of the document`
    const found = read(target?.value, references, seen, depth + 1)
    parts.unshift({ ...found, refName: found.refName ?? target?.name, problem: found.problem ?? problem })
  }
  const all = joined(own, parts)
  // OpenAPI 3.0 has this beside a reference in `allOf`, for which it alone is meant.
  return schema['nullable'] === true ? { ...all, nullable: true } : all
}

const anything: SchemaParts = {
  types: [],
  nullable: false,
  properties: new Map(),
  required: new Set(),
  isOpen: false,
  items: undefined,
  isTuple: false,
  values: undefined,
  variants: [],
  format: undefined,
  minimum: undefined,
  maximum: undefined,
  multipleOf: undefined,
  title: undefined,
  description: undefined,
  example: undefined,
  isDeprecated: false,
  refName: undefined,
  identity: undefined,
  problem: undefined,
}

function ownParts(schema: DocumentObject, references: References): SchemaParts {
  const given = schema['type']
  const types = (Array.isArray(given) ? given : [given]).filter((type): type is string => typeof type === 'string')
  const values = Object.hasOwn(schema, 'const')
    ? [schema['const']]
    : Array.isArray(schema['enum'])
      ? schema['enum']
      : undefined
  const all = [...listAt(schema, 'oneOf'), ...listAt(schema, 'anyOf')]
  const variants = all.filter((variant) => !isNull(variant, references))
  const additional = schema['additionalProperties'] ?? schema['unevaluatedProperties']
  return {
    types: types.filter((type) => type !== 'null'),
    nullable: types.includes('null') || variants.length < all.length || (values?.includes(null) ?? false),
    properties: new Map(Object.entries(objectAt(schema, 'properties'))),
    required: new Set(listAt(schema, 'required').filter((name): name is string => typeof name === 'string')),
    isOpen: isDocumentObject(additional) || additional === true || isDocumentObject(schema['patternProperties']),
    items: Array.isArray(schema['items']) ? undefined : schema['items'],
    isTuple: Array.isArray(schema['items']) || Array.isArray(schema['prefixItems']),
    values: values?.filter((value: unknown) => value !== null),
    variants,
    format: textAt(schema, 'format'),
    minimum: numberAt(schema, 'minimum') ?? numberAt(schema, 'exclusiveMinimum'),
    maximum: numberAt(schema, 'maximum') ?? numberAt(schema, 'exclusiveMaximum'),
    multipleOf: numberAt(schema, 'multipleOf'),
    title: textAt(schema, 'title'),
    description: textAt(schema, 'description'),
    example: listAt(schema, 'examples')[0] ?? schema['example'],
    isDeprecated: schema['deprecated'] === true,
    refName: undefined,
    identity: schema,
    problem: undefined,
  }
}

function isNull(schema: unknown, references: References): boolean {
  const value = references.resolve(schema)?.value
  if (!isDocumentObject(value)) return false
  const { type, enum: values = [value['const']] } = value
  return [type].flat().join() === 'null' || (Array.isArray(values) && values.every((one) => one === null))
}

/** What holds for all: those of `allOf`, and the target of a reference with what is beside it. */
export function joined(own: SchemaParts, parts: readonly SchemaParts[]): SchemaParts {
  const all = parts.reduce(both, own)
  if (!isBare(own)) return all
  const telling = parts.filter((part) => !isBare(part))
  const [sole, ...others] = telling.length > 0 ? telling : parts
  if (!sole || others.length > 0) return all
  // Only annotations are added, so objects have the type of that schema.
  return { ...all, identity: sole.identity, refName: sole.refName, title: own.title ?? sole.title }
}

function both(one: SchemaParts, other: SchemaParts): SchemaParts {
  const properties = new Map(one.properties)
  for (const [name, schema] of other.properties) {
    const before = properties.get(name)
    properties.set(name, before === undefined ? schema : { allOf: [before, schema] })
  }
  return {
    types: one.types.length > 0 ? one.types : other.types,
    nullable: isNullable(one, other),
    properties,
    required: new Set([...one.required, ...other.required]),
    isOpen: one.isOpen || other.isOpen,
    items: one.items ?? other.items,
    isTuple: one.isTuple || other.isTuple,
    values: one.values ?? other.values,
    variants: [...one.variants, ...other.variants],
    format: one.format ?? other.format,
    minimum: one.minimum ?? other.minimum,
    maximum: one.maximum ?? other.maximum,
    multipleOf: one.multipleOf ?? other.multipleOf,
    title: one.title,
    description: one.description ?? other.description,
    example: one.example ?? other.example,
    isDeprecated: one.isDeprecated || other.isDeprecated,
    refName: one.refName,
    identity: one.identity,
    problem: one.problem ?? other.problem,
  }
}

/** A schema without types and values does not decide about null. */
function isNullable(one: SchemaParts, other: SchemaParts): boolean {
  const decides = ({ types, values, nullable }: SchemaParts) => types.length > 0 || values !== undefined || nullable
  const deciding = [one, other].filter(decides)
  return deciding.length > 0 && deciding.every(({ nullable }) => nullable)
}

/** Whether the schema has no more than annotations, a type and bounds. */
export function isBare({
  properties,
  required,
  isOpen,
  items,
  isTuple,
  values,
  variants,
  format,
}: SchemaParts): boolean {
  return (
    properties.size + required.size + variants.length === 0 &&
    !isOpen &&
    !isTuple &&
    (items ?? values ?? format) === undefined
  )
}

function numberAt(schema: DocumentObject, name: string): number | undefined {
  const number = Number(schema[name] ?? Number.NaN)
  return Number.isNaN(number) ? undefined : number
}
