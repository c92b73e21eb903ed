import { TextDecoder } from 'node:util'
import { checkDepth, UndecodableBody } from '../../core/body/decode-body.ts'
import { JsonNumber } from '../../core/json/json-number.ts'
import { parseJson } from '../../core/json/parse-json.ts'
import { badInput } from '../../errors.ts'
import type { TcpFrame } from './framing.ts'

/** Whether the content is a request in JSON. Any other content is a binary request. */
export function isJson({ header }: TcpFrame): boolean {
  return /^(text|application)\/json\s*(;|$)/i.test(header.contentType)
}

/**
 * Parses a request in JSON, in the encoding that its header names. Throws `BAD_USER_INPUT`; the
 * connection then continues with the next frame.
 */
export function readJson({ header, content }: TcpFrame): Record<string, unknown> {
  const text = decode(content, header.contentEncoding, header.byteorder)
  let request: unknown
  try {
    checkDepth(Buffer.from(text))
    request = parseJson(text)
  } catch (error) {
    if (error instanceof UndecodableBody) throw badInput('content', error.message)
    throw badInput('content', `expected JSON (${(error as Error).message})`)
  }
  const isObject = typeof request === 'object' && request !== null && !Array.isArray(request)
  if (!isObject || request instanceof JsonNumber) throw badInput('content', 'expected a JSON object with an `action`')
  return request as Record<string, unknown>
}

/**
 * Accepts Python's names of encodings and those of IANA. A byte order mark overrides the header's
 * `byteorder`.
 */
function decode(content: Buffer, encoding: string, byteorder: 'little' | 'big'): string {
  const name = encoding.toLowerCase().replaceAll('_', '-')
  switch (name) {
    case 'utf-8':
    case 'utf8':
    case 'utf-8-sig':
      return decodeStrictly('utf-8', content)
    case 'ascii':
    case 'us-ascii':
      if (content.some((byte) => byte > 0x7f)) throw badInput('content', 'expected ASCII')
      return content.toString('latin1')
    case 'latin-1':
    case 'latin1':
    case 'iso-8859-1':
      return content.toString('latin1')
    case 'utf-16':
    case 'utf16':
      return decodeStrictly(encodingOfMark(content) ?? (byteorder === 'little' ? 'utf-16le' : 'utf-16be'), content)
    case 'utf-16-le':
    case 'utf-16le':
      return decodeStrictly('utf-16le', content)
    case 'utf-16-be':
    case 'utf-16be':
      return decodeStrictly('utf-16be', content)
    default:
      throw badInput('content-encoding', 'expected utf-8, utf-16, utf-16le, utf-16be, latin-1 or ascii for JSON')
  }
}

function encodingOfMark(content: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (content[0] === 0xff && content[1] === 0xfe) return 'utf-16le'
  if (content[0] === 0xfe && content[1] === 0xff) return 'utf-16be'
  return undefined
}

function decodeStrictly(encoding: string, content: Buffer): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(content)
  } catch {
    throw badInput('content', `expected ${encoding}`)
  }
}
