import { randomBytes } from 'node:crypto'

/** Prefix of a key that stands for another one. It is random, so that no client can know it. */
const mark = `#${randomBytes(15).toString('base64url')}#`
const backslash = 0x5c
const quote = 0x22

/**
 * `JSON.parse` with right keys on every engine. V8 from 13.6 (Node.js 24) to at least 14.6 expects
 * the key that followed when an object last began with the same keys. It compares it with the text
 * of a key before escapes are undone: once `\` was a key, `"\n"` is read as `\`
 * (https://github.com/nodejs/node/issues/63785). Use it for every text that others have written.
 */
export const parseWithRightKeys: (text: string) => unknown = confusesKeys()
  ? parseWithoutEscapedKeys
  : (text) => JSON.parse(text) as unknown

function confusesKeys(): boolean {
  // No object began with this key before, so only one key can be expected after it.
  const expected: unknown = JSON.parse(`{"${mark}":0,"\\\\":0}`)
  const read: unknown = JSON.parse(`{"${mark}":0,"\\n":0}`)
  return Object.keys(expected as object)[1] === Object.keys(read as object)[1]
}

/**
 * Parses the text without any escape in a key, then replaces the keys. Errors are those of
 * `JSON.parse`. Exported for tests on engines without the fault.
 */
export function parseWithoutEscapedKeys(text: string): unknown {
  // Throws JavaScript's own error if it is not JSON.
  const value: unknown = JSON.parse(text)
  const keys = new Map<string, string>()
  const rewritten = rewriteEscapedKeys(text, keys)
  if (rewritten === undefined) return value
  const marked: unknown = JSON.parse(rewritten)
  return keys.size === 0 ? marked : withKeys(marked, new Map([...keys].map(([key, name]) => [name, key])))
}

/**
 * The same JSON without escaped keys; undefined if it has none. A key that needs no escape is
 * written without one, and any other gets a name in `keys`. So duplicates of a key still have one
 * name, and members keep their order. Looks only at strings with an escape.
 */
function rewriteEscapedKeys(text: string, keys: Map<string, string>): string | undefined {
  let rewritten = ''
  let taken = 0
  for (let escape = text.indexOf('\\'); escape >= 0; ) {
    const end = endOfString(text, escape)
    if (isKey(text, end)) {
      const begin = text.lastIndexOf('"', escape)
      const key = JSON.parse(text.slice(begin, end)) as string
      rewritten += `${text.slice(taken, begin)}"${plainNameOf(key, keys)}"`
      taken = end
    }
    escape = text.indexOf('\\', end)
  }
  return taken === 0 ? undefined : rewritten + text.slice(taken)
}

function endOfString(text: string, begin: number): number {
  for (let at = begin; ; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) return at + 1
    if (code === backslash) at += 1
  }
}

function isKey(text: string, end: number): boolean {
  const afterString = /[ \t\n\r]*:?/y
  afterString.lastIndex = end
  return afterString.exec(text)?.[0].endsWith(':') === true
}

function plainNameOf(key: string, keys: Map<string, string>): string {
  if (!needsEscape(key)) return key
  const name = keys.get(key) ?? `${mark}${keys.size}`
  keys.set(key, name)
  return name
}

/** RFC 8259 §7. */
function needsEscape(key: string): boolean {
  for (let at = 0; at < key.length; at += 1) {
    const code = key.charCodeAt(at)
    if (code < 0x20 || code === quote || code === backslash) return true
  }
  return false
}

/**
 * Replaces the objects that have a named key. Not recursive, because JSON can nest deeper than the
 * stack.
 */
function withKeys(root: unknown, keys: ReadonlyMap<string, string>): unknown {
  const top = { root }
  const open: Record<string, unknown>[] = [top]
  for (let container = open.pop(); container; container = open.pop()) {
    for (const [name, value] of Object.entries(container)) {
      if (typeof value !== 'object' || value === null) continue
      const renamed = renameKeys(value as Record<string, unknown>, keys)
      // A name such as `__proto__` is an own property here, and so is its replacement.
      container[name] = renamed
      open.push(renamed)
    }
  }
  return top.root
}

function renameKeys(value: Record<string, unknown>, keys: ReadonlyMap<string, string>): Record<string, unknown> {
  if (Array.isArray(value) || !Object.keys(value).some((name) => name.startsWith(mark))) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [keys.get(name) ?? name, member]))
}
