import { JsonNumber } from '../../core/json/json-number.ts'
import { readPointer, splitPointer } from '../../core/json/json-pointer.ts'

/** An object of a document, as parsed. */
export type DocumentObject = Readonly<Record<string, unknown>>

/** A reference to a reference and so on, further than any author goes. */
const maxHops = 50

export function isDocumentObject(value: unknown): value is DocumentObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}

/** The member if it is an object, else an empty object. */
export function objectAt(value: unknown, name: string): DocumentObject {
  const member = memberAt(value, name)
  return isDocumentObject(member) ? member : {}
}

export function listAt(value: unknown, name: string): readonly unknown[] {
  const member = memberAt(value, name)
  return Array.isArray(member) ? member : []
}

/** The member if it is a text of more than white space. */
export function textAt(value: unknown, name: string): string | undefined {
  const member = memberAt(value, name)
  return typeof member === 'string' && member.trim() !== '' ? member : undefined
}

function memberAt(value: unknown, name: string): unknown {
  return isDocumentObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

export interface Resolved {
  readonly value: unknown
  /** The last name of the reference: “Address” of “#/$defs/Address”. */
  readonly name: string | undefined
}

/** Resolves `$ref` within one document. */
export class References {
  readonly #root: unknown
  /** `$anchor` and `$id` of the document's schemas. */
  #anchors: Map<string, unknown> | undefined
  readonly #numbers = new Map<object, number>()
  readonly #together = new Map<string, object>()

  constructor(root: unknown) {
    this.#root = root
  }

  /**
   * What the reference leads to at last. Undefined if it is elsewhere, missing or a circle. A value
   * without `$ref` is itself.
   */
  resolve(value: unknown): Resolved | undefined {
    let here: Resolved = { value, name: undefined }
    for (let hop = 0; hop < maxHops; hop += 1) {
      const reference = textAt(here.value, '$ref')
      if (reference === undefined) return here
      const next = this.follow(reference)
      if (!next) return undefined
      here = { value: next.value, name: next.name ?? here.name }
    }
    return undefined
  }

  /** One step: what the reference names, which can be a reference again. */
  follow(reference: string): Resolved | undefined {
    const value = this.#find(reference)
    return value === undefined ? undefined : { value, name: nameOf(reference) }
  }

  /** The same object for the same schemas: what distinguishes a schema that is made of others. */
  together(schemas: Iterable<object>): object {
    const numbers = new Set<number>()
    for (const schema of schemas) {
      const number = this.#numbers.get(schema) ?? this.#numbers.size
      this.#numbers.set(schema, number)
      numbers.add(number)
    }
    const key = [...numbers].sort((one, other) => one - other).join()
    const known = this.#together.get(key) ?? {}
    this.#together.set(key, known)
    return known
  }

  #find(reference: string): unknown {
    const [base, fragment] = split(reference)
    const start = base === '' ? this.#root : this.#anchored(base)
    const path = splitPointer(fragment)
    return path ? readPointer(start, path) : this.#anchored(`#${fragment}`)
  }

  #anchored(name: string): unknown {
    this.#anchors ??= anchorsOf(this.#root)
    return this.#anchors.get(name) ?? this.#anchors.get(absolute(name, this.#root))
  }
}

/** The document and what to take of it. A pointer in a URI is percent-encoded (RFC 6901 §6). */
function split(reference: string): [base: string, fragment: string] {
  const [base = '', ...rest] = reference.split('#')
  return [base, decoded(rest.join('#'))]
}

/** The last token of the pointer, the anchor, or else the last part of the document's address. */
function nameOf(reference: string): string | undefined {
  const [base, fragment] = split(reference)
  const named = fragment === '' ? base.split(/[/:]/).at(-1)?.replace(/\..*/, '') : splitPointer(fragment)?.at(-1)
  return (named ?? fragment) || undefined
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}

/** Documents that were bundled refer to each other relative to their `$id`. */
function absolute(id: string, root: unknown): string {
  const base = textAt(root, '$id')
  return URL.canParse(id, base) ? new URL(id, base).href : id
}

/** Not recursive: documents nest as deep as they like. An alias of YAML may lead back. */
function anchorsOf(root: unknown): Map<string, unknown> {
  const anchors = new Map<string, unknown>()
  const seen = new Set<unknown>()
  const open: unknown[] = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    const [id, anchor] = [textAt(value, '$id'), textAt(value, '$anchor')]
    if (id !== undefined) anchors.set(id, value).set(absolute(id, root), value)
    if (anchor !== undefined) anchors.set(`#${anchor}`, value)
    for (const member of Object.values(value)) open.push(member)
  }
  return anchors
}
