import { JsonNumber } from '../../core/json/json-number.ts'
import type { References } from './references.ts'
import { isBare, joined, type SchemaParts } from './schema-parts.ts'
import { integerFormats, numberFormats, widest } from './schema-scalars.ts'

/**
 * Merges `oneOf` and `anyOf`. Objects become one with all properties, of which those are required
 * that all variants require: the event type of a message does not distinguish inner objects.
 */
export function withVariants(
  parts: SchemaParts,
  read: (variant: unknown) => SchemaParts,
  references: References,
): SchemaParts {
  const variants = distinctVariants(parts.variants.map(read))
  const [first, ...rest] = variants
  const own = { ...parts, variants: [] }
  // A variant that allows anything leaves what the schema itself has.
  if (!first || variants.some(allowsAnything)) return own
  const nullable = parts.nullable || variants.some((variant) => variant.nullable)
  if (rest.length === 0) return { ...joined(own, [first]), nullable }
  const kinds = variants.map(kindsOf)
  const common = [...first.required].filter((name) => rest.every(({ required }) => required.has(name)))
  const values = variants.map((variant) => variant.values)
  return {
    ...own,
    identity: isBare(own) ? references.together(variants.flatMap(({ identity }) => identity ?? [])) : own.identity,
    types: parts.types.length > 0 ? parts.types : [...new Set(kinds.flat())],
    nullable,
    properties: propertiesOf(parts, variants),
    required: new Set([...parts.required, ...common]),
    isOpen: parts.isOpen || variants.some(({ isOpen }) => isOpen),
    items: parts.items ?? commonItems(variants.filter((_variant, index) => kinds[index]?.includes('array'))),
    format: parts.format ?? widest(variants.map(({ format }) => format)),
    minimum:
      parts.minimum ??
      extremeOf(
        variants.map(({ minimum }) => minimum),
        Math.min,
      ),
    maximum:
      parts.maximum ??
      extremeOf(
        variants.map(({ maximum }) => maximum),
        Math.max,
      ),
    multipleOf:
      parts.multipleOf ??
      extremeOf(
        variants.map(({ multipleOf }) => multipleOf),
        Math.min,
      ),
    isTuple: parts.isTuple || variants.some(({ isTuple }) => isTuple),
    values: parts.values ?? (values.every((some) => some !== undefined) ? [...new Set(values.flat())] : undefined),
    problem: parts.problem ?? variants.find(({ problem }) => problem !== undefined)?.problem,
  }
}

function allowsAnything(variant: SchemaParts): boolean {
  return kindsOf(variant).length === 0 && !variant.nullable && variant.problem === undefined
}

/** Those of the variants, and what the schema itself has for all of them. */
function propertiesOf({ properties: own }: SchemaParts, variants: readonly SchemaParts[]): Map<string, unknown> {
  const found = new Map<string, Set<unknown>>()
  for (const { properties } of variants)
    for (const [name, schema] of properties) found.set(name, (found.get(name) ?? new Set()).add(schema))
  const all = new Map(own)
  for (const [name, schemas] of found) {
    const [only, ...others] = schemas
    const schema = others.length === 0 ? only : { anyOf: [...schemas] }
    const isInAll = variants.every(({ properties }) => properties.has(name))
    if (!own.has(name)) all.set(name, schema)
    else if (isInAll) all.set(name, { allOf: [own.get(name), schema] })
  }
  return all
}

function extremeOf(bounds: readonly (number | undefined)[], choose: (...bounds: number[]) => number) {
  const given = bounds.filter((bound) => bound !== undefined)
  return given.length === 0 ? undefined : choose(...given)
}

/** Two references to one schema are one variant. */
function distinctVariants(variants: readonly SchemaParts[]): SchemaParts[] {
  const seen = new Set<object>()
  return variants.filter(({ identity }) => {
    if (identity === undefined) return true
    const isNew = !seen.has(identity)
    seen.add(identity)
    return isNew
  })
}

/** Elements of a list without a schema for them can be anything. */
function commonItems(lists: readonly SchemaParts[]): unknown {
  const items = lists.map((list) => list.items ?? true)
  return items.length > 1 ? { anyOf: items } : items[0]
}

/** The types that the schema allows. Empty: any. One without `type` has those that it is about. */
export function kindsOf(parts: SchemaParts): readonly string[] {
  return parts.types.length > 0 ? parts.types : impliedTypes(parts)
}

/** Objects with fields, and nothing else. */
export function isObject(parts: SchemaParts): boolean {
  return parts.properties.size > 0 && kindsOf(parts).join() === 'object'
}

function impliedTypes({
  properties,
  required,
  isOpen,
  items,
  isTuple,
  values,
  format,
  minimum,
  maximum,
  multipleOf,
}: SchemaParts): readonly string[] {
  if (properties.size + required.size > 0 || isOpen) return ['object']
  if (items !== undefined || isTuple) return ['array']
  if (values !== undefined && values.length > 0) return [...new Set(values.map(typeOfValue))]
  if (format !== undefined)
    return [integerFormats.has(format) ? 'integer' : numberFormats.has(format) ? 'number' : 'string']
  return (minimum ?? maximum ?? multipleOf) === undefined ? [] : ['number']
}

function typeOfValue(value: unknown): string {
  if (value instanceof JsonNumber) return value.isInteger ? 'integer' : 'number'
  return Number.isInteger(value) ? 'integer' : Array.isArray(value) ? 'array' : typeof value
}
