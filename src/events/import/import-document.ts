import { parse as parseYaml } from 'yaml'
import { parseJson } from '../../core/json/parse-json.ts'
import type { EventSample } from '../inference/event-sample.ts'
import { infer } from '../inference/infer.ts'
import { importChannels } from './import-channels.ts'
import { type ImportOptions, ImportRefused, unnamedExchange } from './import-options.ts'
import { importSchema } from './import-schema.ts'
import { isDocumentObject } from './references.ts'

/**
 * Writes SDL for an AsyncAPI document (2 or 3), a JSON Schema, or messages as JSON: one, an array,
 * or one a line. Throws `ImportRefused`.
 */
export function importDocument(text: string, options: ImportOptions = {}): string {
  const document = parseDocument(text)
  if (isDocumentObject(document)) {
    if ('asyncapi' in document) return importChannels(document, options)
    for (const other of ['openapi', 'swagger']) if (other in document) throw unsupported('an OpenAPI document')
    if (isSchema(document)) return importSchema(document, options)
  }
  const bodies: readonly unknown[] =
    document instanceof Lines ? document.values : isList(document) ? document : [document]
  if (bodies.every((body) => typeof body !== 'object' || body === null))
    throw unsupported(document === null ? 'an empty document' : 'a document without objects')
  const samples = bodies.map((body): EventSample => ({ routingKey: '', properties: {}, body: body ?? null }))
  return infer(samples, { ...inferenceOptions(options) })
}

function inferenceOptions({ exchange = unnamedExchange, ...rest }: ImportOptions) {
  return { exchange, ...rest }
}

function unsupported(what: string): ImportRefused {
  return new ImportRefused(`expected an AsyncAPI document, a JSON Schema or messages as JSON, got ${what}`)
}

/** JSON texts, one a line. */
class Lines {
  readonly values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.values = values
  }
}

function parseDocument(text: string): unknown {
  const plain = text.replace(/^\uFEFF/, '')
  try {
    return parseJson(plain)
  } catch (error) {
    const lines = parseLines(plain)
    if (lines) return lines
    // YAML that people write does not begin like JSON, so JSON's own error helps more.
    if (/^\s*[[{]/.test(plain)) throw new ImportRefused(`the document is not JSON: ${messageOf(error)}`)
  }
  try {
    return parseYaml(plain, { maxAliasCount: 100, logLevel: 'error' })
  } catch (error) {
    throw new ImportRefused(`the document is neither JSON nor YAML: ${messageOf(error)}`)
  }
}

/** Undefined if the first line is no object by itself. */
function parseLines(text: string): Lines | undefined {
  const values: unknown[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    try {
      values.push(parseJson(line))
    } catch (error) {
      if (!isDocumentObject(values[0])) return undefined
      throw new ImportRefused(`line ${index + 1} is not JSON: ${messageOf(error)}`)
    }
  }
  return values.length === 0 ? undefined : new Lines(values)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

const schemaTypes = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

/** A message may have a member `type` too, so a schema needs a second sign. */
function isSchema(document: Readonly<Record<string, unknown>>): boolean {
  const { type, $schema, $defs, definitions, $ref } = document
  if (typeof $schema === 'string' || typeof $ref === 'string' || isDocumentObject($defs)) return true
  const isTyped = (Array.isArray(type) ? type : [type]).every((one) => schemaTypes.has(String(one)))
  if (
    isTyped &&
    ['properties', 'items', 'allOf', 'oneOf', 'anyOf', 'enum', 'required'].some((name) => name in document)
  )
    return true
  const isComposed = ['allOf', 'oneOf', 'anyOf'].some((name) => Array.isArray(document[name]))
  return (type === undefined && isComposed) || (isDocumentObject(definitions) && type === undefined)
}
