import { readPointer, splitPointer } from '../../core/json/json-pointer.ts'

/** An object of a document, as parsed. */
export type DocumentObject = Readonly<Record<string, unknown>>

/** A reference to a reference and so on, further than any author goes. */
const maxHops = 50

export function isDocumentObject(value: unknown): value is DocumentObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The member if it is an object, else an empty object. */
export function objectAt(value: unknown, name: string): DocumentObject {
  const member = isDocumentObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return isDocumentObject(member) ? member : {}
}

export function listAt(value: unknown, name: string): readonly unknown[] {
  const member = isDocumentObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return Array.isArray(member) ? member : []
}

export function textAt(value: unknown, name: string): string | undefined {
  const member = isDocumentObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return typeof member === 'string' && member.trim() !== '' ? member : undefined
}

/** Resolves `$ref` within one document. */
export class References {
  readonly #root: unknown
  /** `$anchor`, `$id` and `id` of the document's schemas. */
  #anchors: Map<string, unknown> | undefined

  constructor(root: unknown) {
    this.#root = root
  }

  /**
   * What the reference leads to, and its last name. Undefined if it is elsewhere, missing or a
   * circle. A value without `$ref` is itself.
   */
  resolve(value: unknown): { readonly value: unknown; readonly name: string | undefined } | undefined {
    let here = value
    let name: string | undefined
    for (let hop = 0; hop < maxHops; hop += 1) {
      const reference = textAt(here, '$ref')
      if (reference === undefined) return { value: here, name }
      here = this.#find(reference)
      if (here === undefined) return undefined
      name = nameOf(reference) ?? name
    }
    return undefined
  }

  #find(reference: string): unknown {
    if (reference === '#') return this.#root
    const at = reference.indexOf('#')
    const [base, fragment] = at < 0 ? [reference, ''] : [reference.slice(0, at), reference.slice(at + 1)]
    const start = base === '' ? this.#root : this.#anchored(base)
    if (start === undefined) return undefined
    if (fragment === '') return start
    const path = splitPointer(decoded(fragment))
    return path ? readPointer(start, path) : this.#anchored(`#${fragment}`)
  }

  #anchored(name: string): unknown {
    this.#anchors ??= anchorsOf(this.#root)
    return this.#anchors.get(name)
  }
}

/** The last token of the pointer, or the anchor. */
function nameOf(reference: string): string | undefined {
  const fragment = reference.slice(reference.indexOf('#') + 1)
  const path = splitPointer(fragment)
  return path ? path.at(-1) : reference.includes('#') ? fragment : undefined
}

/** RFC 6901 §6: a pointer in a URI is percent-encoded. */
function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
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
    if (id !== undefined) anchors.set(id, value)
    if (anchor !== undefined) anchors.set(`#${anchor}`, value)
    open.push(...Object.values(value))
  }
  return anchors
}
