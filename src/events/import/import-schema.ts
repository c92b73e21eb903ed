import { nameOfKind } from '../draft/kind-names.ts'
import {
  camelCase,
  eventTypeName,
  fieldName,
  reservedSubscriptions,
  reservedTypes,
  singularWords,
  typeName,
  UniqueNames,
  wordsOf,
  wordsOfSchema,
} from '../draft/names.ts'
import {
  directive,
  type FieldSketch,
  gapDescription,
  inComment,
  literal,
  type ObjectSketch,
  printSketch,
  unionOf,
  withoutAccess,
} from '../draft/sketch.ts'
import { commonTypePlace } from './event-type-place.ts'
import { type ImportOptions, unnamedExchange } from './import-options.ts'
import { type DocumentObject, References } from './references.ts'
import { SchemaTypes } from './schema-types.ts'
import { isObject } from './schema-variants.ts'

/** Writes SDL for one JSON Schema, which describes the payload of the messages. */
export function importSchema(document: DocumentObject, options: ImportOptions): string {
  const { exchange = unnamedExchange, examples = true } = options
  const references = new References(document)
  const names = new UniqueNames(reservedTypes)
  const title = titleOf(document, references)
  const words = wordsOf(title)
  const base = singularWords(words.length > 0 ? words : wordsOf(exchange))
  const schemas = new SchemaTypes({ base, names, references, examples })
  const headers = schemas.parts(undefined)
  const variants = schemas.alternatives(document).map((payload) => ({ payload, headers }))
  const isUnion = variants.length > 1 && variants.every(({ payload }) => isObject(payload))
  const place = isUnion ? commonTypePlace(variants, (schema) => schemas.parts(schema)) : undefined
  const root = place ? names.take(eventTypeName(base)) : names.take(typeName(base), eventTypeName(base))
  const members = place
    ? variants.map((variant) => {
        const eventType = place.eventTypeOf(variant) ?? ''
        const { refName, title: own } = variant.payload
        const named = wordsOfSchema(refName, own)
        const name = names.take(...(named.length > 0 ? one(typeName(named)) : nameOfKind([eventType], base)))
        return schemas.write(name, variant.payload, {
          description: variant.payload.description,
          directives: [directive('eventType', { name: literal(eventType) })],
        })
      })
    : [writeRoot(schemas, root, document)]
  const isList = !place && schemas.elementOf(schemas.parts(document)) !== undefined
  return printSketch({
    remarks: [
      `A draft from the JSON Schema${title === '' ? '' : ` ${inComment(literal(title))}`}. Review it before you serve it:`,
      '- A required property is non-null; a message without it will be quarantined.',
      `- ${withoutAccess}`,
      ...(options.exchange === undefined ? [`- The exchange "${exchange}" is a placeholder.`] : []),
    ],
    subscriptions: [
      {
        name: new UniqueNames(reservedSubscriptions).take(
          fieldName(options.field ?? camelCase([...base, 'changed']), 'events'),
          `${camelCase(base)}Events`,
        ),
        type: isList ? `[${root}!]` : root,
        description: gapDescription,
        arguments: [],
        directives: [directive('events', { exchange: literal(exchange), typeFrom: place?.typeFrom })],
      },
    ],
    types: [...(place ? [unionOf(root, members)] : []), ...schemas.types()],
  })
}

function one(name: string): [string] {
  return [name]
}

function titleOf(document: DocumentObject, references: References): string {
  const resolved = references.resolve(document)
  const { title, $id } = {
    ...document,
    ...(typeof resolved?.value === 'object' ? resolved.value : {}),
  } as DocumentObject
  if (typeof title === 'string' && title.trim() !== '') return title
  if (resolved?.name !== undefined) return resolved.name
  // `https://example.com/order.schema.json` is about an order.
  return typeof $id === 'string' ? ($id.split(/[/#]/).findLast((part) => part !== '') ?? '').replace(/\..*/, '') : ''
}

function writeRoot(schemas: SchemaTypes, name: string, document: DocumentObject): ObjectSketch {
  const root = schemas.parts(document)
  const parts = schemas.elementOf(root) ?? root
  if (isObject(parts)) schemas.know(parts, name)
  const empty = { ...parts, properties: new Map<string, unknown>() }
  return schemas.write(name, isObject(parts) ? parts : empty, {
    description: root.description,
    directives: [],
    further: (taken): FieldSketch[] =>
      isObject(parts)
        ? []
        : [
            schemas.field(
              taken.take('payload'),
              document,
              { owner: wordsOf(name), member: 'payload', depth: 0 },
              false,
              ['@from(body: "")'],
            ),
          ],
  })
}
