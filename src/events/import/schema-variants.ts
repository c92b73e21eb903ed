import type { SchemaParts } from './schema-parts.ts'

/**
 * Merges `oneOf` and `anyOf`. Objects become one with all properties, of which those are required
 * that all variants require: the event type of a message does not distinguish inner objects.
 */
export function withVariants(parts: SchemaParts, read: (variant: unknown) => SchemaParts): SchemaParts {
  const [first, ...rest] = distinctVariants(parts.variants.map(read))
  if (!first) return parts
  const variants = [first, ...rest]
  const nullable = parts.nullable || variants.some((variant) => variant.nullable)
  if (rest.length === 0) {
    const required = new Set([...parts.required, ...first.required])
    const properties = new Map([...first.properties, ...parts.properties])
    return {
      ...first,
      nullable,
      required,
      properties,
      variants: [],
      description: parts.description ?? first.description,
    }
  }
  const types = [
    ...new Set([
      ...parts.types,
      ...variants.flatMap((variant) => (variant.types.length > 0 ? variant.types : impliedTypes(variant))),
    ]),
  ]
  const properties = new Map(parts.properties)
  for (const variant of variants) {
    for (const [name, schema] of variant.properties) {
      const before = properties.get(name)
      properties.set(name, before === undefined || before === schema ? schema : { anyOf: [before, schema] })
    }
  }
  const common = [...first.required].filter((name) => rest.every(({ required }) => required.has(name)))
  const values = variants.every((variant) => variant.values !== undefined)
    ? [...new Set(variants.flatMap((variant) => variant.values ?? []))]
    : undefined
  return {
    ...parts,
    types,
    nullable,
    properties,
    required: new Set([...parts.required, ...common]),
    isOpen: parts.isOpen || variants.some(({ isOpen }) => isOpen),
    items: parts.items ?? commonItems(variants),
    format: parts.format ?? (rest.every(({ format }) => format === first.format) ? first.format : undefined),
    isTuple: parts.isTuple || variants.some(({ isTuple }) => isTuple),
    values: parts.values ?? values,
    variants: [],
    problem: parts.problem ?? variants.find(({ problem }) => problem !== undefined)?.problem,
  }
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

function commonItems(variants: readonly SchemaParts[]): unknown {
  const items = variants.flatMap((variant) => (variant.items === undefined ? [] : [variant.items]))
  return items.length > 1 ? { anyOf: items } : items[0]
}

/** A schema without `type` has the one that its keywords are about. */
export function impliedTypes({ properties, isOpen, items, isTuple, values, format }: SchemaParts): readonly string[] {
  if (properties.size > 0 || isOpen) return ['object']
  if (items !== undefined || isTuple) return ['array']
  if (values !== undefined && values.length > 0) return [...new Set(values.map(typeOfValue))]
  return format === undefined ? [] : ['string']
}

function typeOfValue(value: unknown): string {
  if (Number.isInteger(value)) return 'integer'
  return typeof value === 'object' ? 'object' : typeof value
}
