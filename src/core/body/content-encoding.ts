import * as zlib from 'node:zlib'
import { canonicalCharset } from './charset.ts'
import { UndecodableBody } from './undecodable-body.ts'

/**
 * Decompresses a body. Throws the errors of Node: `ERR_BUFFER_TOO_LARGE` past `maxOutputLength`
 * bytes.
 */
type Decompress = (body: Buffer, options: { maxOutputLength: number }) => Buffer

/**
 * No publisher has a reason for more names, and each compression may cost up to the bound again.
 */
const maxLayers = 4

/** Since Node 22.15. */
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: Decompress }

const decompressors = new Map<string, Decompress>([
  ['gzip', zlib.gunzipSync],
  ['x-gzip', zlib.gunzipSync],
  ['deflate', inflate],
  ['br', zlib.brotliDecompressSync],
  ...(zstdDecompressSync ? ([['zstd', zstdDecompressSync]] as const) : []),
])

/**
 * Names that leave the bytes unchanged. The last four are MIME transfer encodings of bodies that
 * are not encoded.
 */
const noEncoding = new Set(['', 'identity', 'none', 'utf8', '7bit', '8bit', 'binary'])

export interface Unpacked {
  readonly bytes: Buffer
  /** The character set, if the publisher names one instead of an encoding. */
  readonly charset: string | undefined
}

/** Whether decoding the body may cost more than its size suggests. */
export function mayBeCompressed(contentEncoding: string | undefined): boolean {
  return contentEncoding !== undefined && layersOf(contentEncoding).some((layer) => decompressors.has(layer))
}

/**
 * Undoes the content encodings of a body, the last one first (RFC 9110 §8.4). Each result has at
 * most `maxBytes` bytes. Some publishers name character sets here, alone (`utf-8`) or in the list
 * (`gzip; utf-8`, `gzip:UTF-8`). Throws `UndecodableBody` for an unknown encoding, for data that
 * does not decompress, and past the bound.
 */
export function undoContentEncoding(body: Buffer, contentEncoding: string | undefined, maxBytes: number): Unpacked {
  if (!contentEncoding) return { bytes: body, charset: undefined }
  const layers = layersOf(contentEncoding)
  if (layers.length > maxLayers) throw unknown(contentEncoding, `expected at most ${maxLayers} names`)
  let bytes = body
  let charset: string | undefined
  for (const layer of layers.toReversed()) {
    const decompress = decompressors.get(layer)
    if (decompress) bytes = undo(decompress, layer, bytes, maxBytes)
    else if (!noEncoding.has(layer)) {
      charset = canonicalCharset(layer)
      if (charset === undefined) {
        throw unknown(contentEncoding, `expected ${[...decompressors.keys()].join(', ')} or a character set`)
      }
    }
  }
  return { bytes, charset }
}

function layersOf(contentEncoding: string): string[] {
  return contentEncoding
    .toLowerCase()
    .split(/[,;:\s]+/)
    .map((layer) => layer.replace(/^charset=/, '').replace(/^["']|["']$/g, ''))
}

function undo(decompress: Decompress, name: string, bytes: Buffer, maxBytes: number): Buffer {
  try {
    return decompress(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    throw isTooLarge(error)
      ? new UndecodableBody('too-large', `the body grows past ${maxBytes} bytes (WARREN_MAX_DECODED_BYTES)`, error)
      : new UndecodableBody('broken-encoding', `the body is labelled ${name} and does not decompress`, error)
  }
}

/** RFC 9110 §8.4.1.2 means the zlib format; some senders omit its header. */
function inflate(body: Buffer, options: { maxOutputLength: number }): Buffer {
  const looksLikeZlib = ((body[0] ?? 0) & 0x0f) === 8 && body.length > 1 && body.readUInt16BE(0) % 31 === 0
  const [first, second] = looksLikeZlib
    ? [zlib.inflateSync, zlib.inflateRawSync]
    : [zlib.inflateRawSync, zlib.inflateSync]
  try {
    return first(body, options)
  } catch (error) {
    if (isTooLarge(error)) throw error
    return second(body, options)
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
}

function unknown(contentEncoding: string, expectation: string): UndecodableBody {
  return new UndecodableBody('unknown-encoding', `content-encoding "${contentEncoding.slice(0, 40)}": ${expectation}`)
}
