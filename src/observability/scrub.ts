import { showHidden } from '../core/body/invisible-characters.ts'

/**
 * Removes what must never be logged: tokens, passwords, secrets, e-mail addresses. Named values are
 * removed by name, and parts of a text by pattern, because error messages of libraries quote URLs
 * and headers. Invisible characters become `\u{200b}`.
 */
export function scrubText(text: string): string {
  const short = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text
  return showHidden(short)
    .replace(jwt, '[token]')
    .replace(bearer, '$1 [token]')
    .replace(urlPassword, '$1:***@')
    .replace(email, '[email]')
}

/**
 * In characters. The time of the patterns below grows faster than the text, and longer lines are
 * not useful.
 */
const maxTextLength = 4_096

const jwt = /\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g
const bearer = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi
const urlPassword = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@]*@/gi
const email = /[\w.%+-]+@[\w-]+(\.[\w-]+)*\.[a-z]{2,}/gi

const secretName = /pass(word|phrase)|secret|token|authorization|cookie|^e-?mail$/i
const maxDepth = 6

/** Returns a copy that is safe to log. Errors become plain objects with their stack and cause. */
export function scrub(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return scrubText(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (depth >= maxDepth) return '[…]'
  if (value instanceof Error) return scrubError(value, depth)
  if (Array.isArray(value)) return value.map((item) => scrub(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, secretName.test(name) ? '[redacted]' : scrub(item, depth + 1)]),
  )
}

function scrubError(error: Error, depth: number): unknown {
  return {
    ...(scrub(Object.fromEntries(Object.entries(error)), depth) as object),
    name: error.name,
    message: scrubText(error.message),
    stack: scrubText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: scrub(error.cause, depth + 1) }),
  }
}
