import { TextDecoder } from 'node:util'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { isCanonicalJson } from './canonical-json.ts'
import { latin1Of } from './latin1.ts'
import type { Message } from './message.ts'
import type { QuarantineReason } from './observer.ts'
import { parseJson } from './parse-json.ts'
import { printJson } from './print-json.ts'
import { withoutSpace } from './without-space.ts'

/** A body that cannot be turned into data. The message goes to the quarantine with this reason; its neighbours go on. */
export class UndecodableBody extends Error {
  override readonly name = 'UndecodableBody'
  readonly reason: QuarantineReason

  constructor(reason: QuarantineReason, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** What a compressed body may grow to, in bytes: a zip bomb ends in the quarantine, not in memory. */
const maxDecodedBytes = 64 * 1024 * 1024

export interface DecodedBody {
  /** Where it is JSON, a number that JavaScript would not print as it came is a `JsonNumber`. */
  readonly data: unknown
  /** What `data` is: the message's own content type, or `application/octet-stream` where it had none and `data` is base64. */
  readonly contentType: string | null
  /** `data` as JSON, with every number as it came, each byte a character (`latin1Of`). */
  readonly json: string
}

export type BodyOutcome = DecodedBody | UndecodableBody

/**
 * JSON for `application/json` and for a body without content type that parses; a string for `text/*`; base64 for the
 * rest. An empty JSON body is null. Decoded once a message, whoever asks; JSON that needs no change is checked and no more. Throws `UndecodableBody`.
 */
export function decodeBody(message: Message): DecodedBody {
  message.decoded ??= attempt(message)
  const outcome = message.decoded
  if (outcome instanceof UndecodableBody) throw outcome
  return outcome
}

/** What was decoded need not be kept, though it may be asked for again. Poison stays known as such. */
export function forgetBody(message: Message): void {
  if (!(message.decoded instanceof UndecodableBody)) message.decoded = undefined
}

/** The body where it is JSON, else undefined. Throws `UndecodableBody` where it claims to be and isn't. */
export function jsonBody(message: Message): unknown {
  const { data, contentType } = decodeBody(message)
  return contentType === null || isJson(contentType) ? data : undefined
}

function attempt(message: Message): BodyOutcome {
  try {
    return decode(message)
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

/** JSON that passes through as it came. It is parsed only for who asks what is in it. */
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

function decode({ body, properties }: Message): DecodedBody {
  const bytes = decompress(body, properties.contentEncoding)
  const contentType = properties.contentType || null
  if (contentType === null) {
    if (bytes.length === 0) return new Decoded(null, contentType)
    try {
      return decodeJson(bytes, contentType)
    } catch {
      return new Decoded(bytes.toString('base64'), 'application/octet-stream')
    }
  }
  if (isJson(contentType)) {
    if (bytes.length === 0) return new Decoded(null, contentType)
    try {
      return decodeJson(bytes, contentType)
    } catch (error) {
      if (error instanceof UndecodableBody) throw error
      throw new UndecodableBody('broken-json', `the body is labelled ${contentType} and does not parse`, error)
    }
  }
  if (/^text\//i.test(contentType)) return new Decoded(textDecoder(contentType).decode(bytes), contentType)
  return new Decoded(bytes.toString('base64'), contentType)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * How deep JSON may nest. `JSON.parse` takes any depth, `JSON.stringify` ends in a stack overflow some thousands down: what could not be sent on
 * is poison here, where it hurts nobody else. RFC 8259 §9 allows the limit.
 */
export const maxDepth = 1_000

/** Throws `UndecodableBody` where this JSON nests deeper. */
export function checkDepth(bytes: Buffer): void {
  // Each level takes two bytes at least.
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

/** RFC 8259 §8.1: UTF-8, and a byte order mark may be ignored (TextDecoder drops it). */
function decodeJson(bytes: Buffer, contentType: string | null): DecodedBody {
  if (isCanonicalJson(bytes, maxDepth)) return new CanonicalJson(bytes, contentType)
  const compact = withoutSpace(bytes)
  if (compact && isCanonicalJson(compact, maxDepth)) return new CanonicalJson(compact, contentType)
  checkDepth(bytes)
  return new Decoded(parseJson(strictUtf8.decode(bytes)), contentType)
}

function isJson(contentType: string): boolean {
  return contentType === 'application/json' || /^application\/json\s*(;|$)/i.test(contentType)
}

function textDecoder(contentType: string): TextDecoder {
  const label = /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(label)
  } catch {
    return new TextDecoder()
  }
}

function decompress(body: Buffer, encoding: string | undefined): Buffer {
  const name = encoding?.toLowerCase() ?? ''
  // Publishers in the field put a character set here; what is not a compression says nothing about the bytes.
  if (name === '' || name === 'identity' || name === 'utf-8' || name === 'utf8' || name === 'binary') return body
  const decompressor = decompressors.get(name)
  if (!decompressor) {
    throw new UndecodableBody(
      'unknown-encoding',
      `content-encoding "${name.slice(0, 40)}" is none of ${[...decompressors.keys()].join(', ')}`,
    )
  }
  try {
    return decompressor(body, { maxOutputLength: maxDecodedBytes })
  } catch (error) {
    const tooLarge = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    throw tooLarge
      ? new UndecodableBody('too-large', `the body grows past ${maxDecodedBytes} bytes`, error)
      : new UndecodableBody('broken-encoding', `the body is labelled ${name} and does not decompress`, error)
  }
}

const decompressors = new Map<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
])
