import { isAscii } from 'node:buffer'
import { TextDecoder } from 'node:util'
import { isCanonicalJson } from '../json/canonical-json.ts'
import { compactJson } from '../json/compact-json.ts'
import { parseJson } from '../json/parse-json.ts'
import { printJson } from '../json/print-json.ts'
import type { Message } from '../model/message.ts'
import { decodeText, utf8OfJson } from './charset.ts'
import { undoContentEncoding } from './content-encoding.ts'
import { latin1Of } from './latin1.ts'
import { charsetOf, isJsonType, isTextType } from './media-type.ts'
import { UndecodableBody } from './undecodable-body.ts'

export { UndecodableBody }

/**
 * The default limit on a decompressed body, in bytes. Delivery uses the limit of the gateway
 * (`WARREN_MAX_DECODED_BYTES`), which is at most this one.
 */
export const maxDecodedBytes = 64 * 1024 * 1024

export interface DecodedBody {
  /** If it is JSON, a number that JavaScript would print differently is a `JsonNumber`. */
  readonly data: unknown
  /**
   * The content type of `data`: that of the message, or `application/octet-stream` if the message
   * has none and `data` is base64.
   */
  readonly contentType: string | null
  /** `data` as JSON, with every number as received; each UTF-8 byte is a character (`latin1Of`). */
  readonly json: string
}

export type BodyOutcome = DecodedBody | UndecodableBody

/** A message with a field for its decoded body: a WeakMap would cost as much as the decoding. */
export interface Decodable extends Message {
  /** Undefined before the first call of `decodeBody`. */
  decoded?: BodyOutcome | undefined
}

/**
 * Decodes the body. The data is JSON for `application/json` and for a body without content type
 * that parses, a string for `text/*`, and base64 for the rest. An empty JSON body is null. Each
 * message is decoded once; JSON that needs no change is only checked. Throws `UndecodableBody`.
 */
export function decodeBody(message: Decodable, maxBytes = maxDecodedBytes): DecodedBody {
  return decodeOnce(message, maxBytes, decodeJson)
}

function decodeOnce(message: Decodable, maxBytes: number, read: ReadJson): DecodedBody {
  message.decoded ??= attempt(message, maxBytes, read)
  const outcome = message.decoded
  if (outcome instanceof UndecodableBody) throw outcome
  return outcome
}

/**
 * Drops the decoded body; `decodeBody` makes it again on request. An undecodable body stays marked.
 */
export function forgetBody(message: Decodable): void {
  if (!(message.decoded instanceof UndecodableBody)) message.decoded = undefined
}

/**
 * Returns the body if it is JSON, else undefined. Throws `UndecodableBody` if its content type is
 * JSON and the body is not.
 */
export function jsonBody(message: Decodable, maxBytes = maxDecodedBytes): unknown {
  const { data, contentType } = decodeOnce(message, maxBytes, parseWhole)
  return contentType === null || isJsonType(contentType) ? data : undefined
}

function attempt(message: Message, maxBytes: number, read: ReadJson): BodyOutcome {
  try {
    return decode(message, maxBytes, read)
  } catch (error) {
    if (error instanceof UndecodableBody) return error
    throw error
  }
}

class Decoded implements DecodedBody {
  readonly data: unknown
  readonly contentType: string | null

  constructor(data: unknown, contentType: string | null) {
    this.data = data
    this.contentType = contentType
  }

  get json(): string {
    return latin1Of(printJson(this.data) ?? 'null')
  }
}

/** JSON that passes through unchanged. It is parsed only if something reads `data`. */
class CanonicalJson implements DecodedBody {
  readonly contentType: string | null
  readonly #bytes: Buffer
  #data: unknown

  constructor(bytes: Buffer, contentType: string | null) {
    this.#bytes = bytes
    this.contentType = contentType
  }

  get data(): unknown {
    this.#data ??= parseJson(this.#bytes.toString())
    return this.#data
  }

  get json(): string {
    return this.#bytes.toString('latin1')
  }
}

/** JSON that was parsed first. Whether it can pass through unchanged is found out on request. */
class ParsedJson implements DecodedBody {
  readonly data: unknown
  readonly contentType: string | null
  readonly #bytes: Buffer
  #isCanonical: boolean | undefined

  constructor(bytes: Buffer, contentType: string | null) {
    this.data = parseJson(textOf(bytes))
    this.contentType = contentType
    this.#bytes = bytes
  }

  get json(): string {
    this.#isCanonical ??= isCanonicalJson(this.#bytes, maxDepth)
    return this.#isCanonical ? this.#bytes.toString('latin1') : latin1Of(printJson(this.data) ?? 'null')
  }
}

/** Reads UTF-8. Throws an error of any type, `UndecodableBody` among them. */
type ReadJson = (bytes: Buffer, contentType: string | null) => DecodedBody

function decode({ body, properties }: Message, maxBytes: number, read: ReadJson): DecodedBody {
  const { bytes, charset } = undoContentEncoding(body, properties.contentEncoding, maxBytes)
  const contentType = properties.contentType || null
  if (contentType === null) {
    if (bytes.length === 0) return new Decoded(null, contentType)
    try {
      return read(utf8OfJson(bytes, charset), contentType)
    } catch {
      return new Decoded(bytes.toString('base64'), 'application/octet-stream')
    }
  }
  if (isJsonType(contentType)) {
    if (bytes.length === 0) return new Decoded(null, contentType)
    try {
      return read(utf8OfJson(bytes, charsetOf(contentType) ?? charset), contentType)
    } catch (error) {
      if (error instanceof UndecodableBody) throw error
      throw new UndecodableBody('broken-json', `the body is labelled ${contentType} and does not parse`, error)
    }
  }
  if (isTextType(contentType)) return new Decoded(decodeText(bytes, charsetOf(contentType) ?? charset), contentType)
  return new Decoded(bytes.toString('base64'), contentType)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * How deep JSON may nest. `JSON.parse` takes any depth, but `JSON.stringify` overflows the stack
 * some thousands of levels down. A body that could not be sent is rejected here, where it affects
 * no other message. RFC 8259 §9 allows such a limit.
 */
export const maxDepth = 1_000

/** Throws `UndecodableBody` if this JSON nests deeper than `maxDepth`. */
export function checkDepth(bytes: Buffer): void {
  // Each level takes at least two bytes.
  if (bytes.length <= 2 * maxDepth) return
  let depth = 0
  let inString = false
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index]
    if (inString) {
      if (byte === 0x5c) index += 1
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) {
      inString = true
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1
      if (depth > maxDepth) throw new UndecodableBody('too-deep', `the body nests deeper than ${maxDepth} levels`)
    } else if (byte === 0x5d || byte === 0x7d) {
      depth -= 1
    }
  }
}

/**
 * RFC 8259 §8.1: JSON is UTF-8, and a parser may ignore a byte order mark (TextDecoder drops it).
 */
function decodeJson(bytes: Buffer, contentType: string | null): DecodedBody {
  if (isCanonicalJson(bytes, maxDepth)) return new CanonicalJson(bytes, contentType)
  const compact = compactJson(bytes)
  if (compact && isCanonicalJson(compact, maxDepth)) return new CanonicalJson(compact, contentType)
  checkDepth(bytes)
  return new Decoded(parseJson(strictUtf8.decode(bytes)), contentType)
}

/**
 * The same outcome as that of `decodeJson`, for a caller that needs the data: it costs less than
 * checking the form and then parsing.
 */
function parseWhole(bytes: Buffer, contentType: string | null): DecodedBody {
  checkDepth(bytes)
  return new ParsedJson(bytes, contentType)
}

/** Most bodies are ASCII, which takes no decoder. */
function textOf(bytes: Buffer): string {
  return isAscii(bytes) ? bytes.toString('latin1') : strictUtf8.decode(bytes)
}
