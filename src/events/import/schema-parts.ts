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
  /** The schema object itself, which is the same for every reference to it. */
  readonly identity: object | undefined
  /** Why the schema cannot be read. */
  readonly problem: string | undefined
}

type Writable = { -readonly [Name in keyof SchemaParts]: SchemaParts[Name] }

const maxDepth = 20

/** Reads one level of a schema. Never throws. */
export function schemaParts(schema: unknown, references: References): SchemaParts {
  return read(schema, references, new Set(), 0)
}

function read(schema: unknown, references: References, path: ReadonlySet<unknown>, depth: number): SchemaParts {
  const resolved = references.resolve(schema)
  if (!resolved)
    return { ...anything, problem: `the reference "${textAt(schema, '$ref') ?? ''}" leads out of the document` }
  const { value, name } = resolved
  if (!isDocumentObject(value) || path.has(value) || depth > maxDepth) return { ...anything, refName: name }
  const own = ownParts(value, references)
  own.refName = name
  const inside = new Set([...path, value])
  for (const part of listAt(value, 'allOf')) join(own, read(part, references, inside, depth + 1))
  // Keywords beside `$ref` hold too, since draft 2019-09.
  if (value !== schema && isDocumentObject(schema)) {
    own.description = textAt(schema, 'description') ?? own.description
    own.isDeprecated ||= schema['deprecated'] === true
    own.nullable ||= schema['nullable'] === true
  }
  return own
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

function ownParts(schema: DocumentObject, references: References): Writable {
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
    nullable:
      types.includes('null') ||
      schema['nullable'] === true ||
      variants.length < all.length ||
      (values?.includes(null) ?? false),
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
  return isDocumentObject(value) && (value['type'] === 'null' || ('const' in value && value['const'] === null))
}

/** What holds for both: of `allOf`, each part holds. */
function join(all: Writable, part: SchemaParts): void {
  all.types = all.types.length === 0 ? part.types : all.types
  all.nullable &&= part.nullable
  const properties = new Map(all.properties)
  for (const [name, schema] of part.properties) if (!properties.has(name)) properties.set(name, schema)
  all.properties = properties
  all.required = new Set([...all.required, ...part.required])
  all.isOpen ||= part.isOpen
  all.items ??= part.items
  all.isTuple ||= part.isTuple
  all.values ??= part.values
  all.variants = [...all.variants, ...part.variants]
  all.format ??= part.format
  all.minimum ??= part.minimum
  all.maximum ??= part.maximum
  all.multipleOf ??= part.multipleOf
  all.title ??= part.title
  all.description ??= part.description
  all.example ??= part.example
  all.isDeprecated ||= part.isDeprecated
  all.problem ??= part.problem
}

function numberAt(schema: DocumentObject, name: string): number | undefined {
  const value = schema[name]
  return value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(value)
}
