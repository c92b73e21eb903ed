import { JsonNumber } from './json-number.ts'

/** The reference tokens of a JSON pointer (RFC 6901 §4); undefined if it is invalid. */
export function splitPointer(pointer: string): string[] | undefined {
  if (pointer === '') return []
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The JSON pointer of these reference tokens (RFC 6901 §3): the inverse of `splitPointer`. */
export function printPointer(path: readonly string[]): string {
  return path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** The value at the path; undefined if it does not exist. Only own properties count. */
export function readPointer(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const token of path) {
    if (typeof here !== 'object' || here === null || here instanceof JsonNumber) return undefined
    if (Array.isArray(here) && !/^(0|[1-9]\d*)$/.test(token)) return undefined
    if (!Object.hasOwn(here, token)) return undefined
    here = (here as Record<string, unknown>)[token]
  }
  return here
}
