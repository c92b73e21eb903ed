import { undoContentEncoding } from '../../core/body/content-encoding.ts'
import { maxDepth, UndecodableBody } from '../../core/body/decode-body.ts'
import { essenceOf } from '../../core/body/media-type.ts'
import { toDate } from '../../core/body/to-date.ts'
import { numberOf } from '../../core/json/json-number.ts'

/** The binary forms of JSON-like values that bodies may have. */
export type BinaryForm = 'msgpack' | 'cbor'

/**
 * Decodes the whole body to JavaScript values; throws if it does not decode. 64-bit integers are
 * numbers where that is exact, else bigints. Binary is a `Uint8Array`, a timestamp a `Date`, a map
 * an object or a `Map`.
 */
export type DecodeBinary = (bytes: Uint8Array) => unknown

/** A form without decoder is a body of another kind: it suits only fields that read no body. */
export type BinaryDecoders = Readonly<Partial<Record<BinaryForm, DecodeBinary>>>

const forms: ReadonlyMap<string, BinaryForm> = new Map<string, BinaryForm>([
  ['application/msgpack', 'msgpack'],
  ['application/x-msgpack', 'msgpack'],
  ['application/vnd.msgpack', 'msgpack'],
  ['application/cbor', 'cbor'],
])

/** The binary form of a content type; undefined if it has none. */
export function binaryForm(contentType: string | undefined): BinaryForm | undefined {
  return contentType ? forms.get(essenceOf(contentType)) : undefined
}

/**
 * The body as values of `parseJson`; undefined if the form has no decoder. Throws
 * `UndecodableBody`. An empty body is null, as it is for JSON.
 */
export function decodeBinary(
  body: Buffer,
  contentEncoding: string | undefined,
  form: BinaryForm,
  decoders: BinaryDecoders,
  maxBytes: number,
): unknown {
  const decode = decoders[form]
  if (!decode) return undefined
  const { bytes } = undoContentEncoding(body, contentEncoding, maxBytes)
  if (bytes.length === 0) return null
  return jsonValueOf(decoded(decode, bytes, form), 0)
}

function decoded(decode: DecodeBinary, bytes: Buffer, form: BinaryForm): unknown {
  try {
    return decode(bytes)
  } catch (error) {
    // A decoder that recurses overflows the stack.
    if (error instanceof RangeError && /call stack/i.test(error.message)) throw tooDeep(error)
    throw new UndecodableBody('broken-encoding', `the body is labelled ${form} and does not decode`, error)
  }
}

/** `depth` is the number of maps and arrays around the value. */
function jsonValueOf(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      // JSON has no NaN and no infinity; `JSON.stringify` prints null.
      return Number.isFinite(value) ? numberOf(Object.is(value, -0) ? '-0' : String(value)) : null
    case 'bigint':
      return numberOf(String(value))
    case 'object':
      return value === null ? null : jsonContainerOf(value, depth)
    default:
      return null
  }
}

function jsonContainerOf(value: object, depth: number): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  if (value instanceof Date) return toDate(value.getTime())?.toISOString() ?? null
  if (depth === maxDepth) throw tooDeep()
  if (Array.isArray(value)) return value.map((item) => jsonValueOf(item, depth + 1))
  const object: Record<string, unknown> = Object.create(null)
  for (const [name, member] of value instanceof Map ? value : Object.entries(value)) {
    object[nameOf(name)] = jsonValueOf(member, depth + 1)
  }
  return object
}

/** Members of JSON have text for names. A number counts by its digits. */
function nameOf(key: unknown): string {
  if (typeof key === 'string') return key
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key)
  throw new UndecodableBody('broken-encoding', 'the body has a map with a key that is no text and no number')
}

function tooDeep(cause?: unknown): UndecodableBody {
  return new UndecodableBody('too-deep', `the body nests deeper than ${maxDepth} levels`, cause)
}
