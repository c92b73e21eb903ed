import type { KeyPattern } from '../model/event-schema.ts'

/** Returns what a capture matched; undefined if it matched no word or an empty one. */
export type ReadCapture = (routingKey: string) => string | undefined

/**
 * Compiles the reader of one capture. The pattern has matched the key: the reader counts words
 * only, from the end if the capture comes after a `#`. A name that the pattern does not capture
 * reads as undefined.
 */
export function captureReader({ words }: KeyPattern, name: string): ReadCapture {
  const at = words.findIndex((word) => (word.kind === 'capture' || word.kind === 'rest') && word.name === name)
  if (at < 0) return () => undefined
  if (words[at]?.kind === 'rest') return (key) => restAfter(key, at) || undefined
  const hash = words.findIndex(({ kind }) => kind === 'anyRest')
  if (hash < 0 || at < hash) return (key) => wordAt(key, at) || undefined
  const fromEnd = words.length - 1 - at
  return (key) => wordFromEnd(key, fromEnd) || undefined
}

/** The words from this one on, with the dots between them. */
function restAfter(key: string, count: number): string {
  const begin = beginOf(key, count)
  return begin < 0 ? '' : key.slice(begin)
}

function wordAt(key: string, index: number): string {
  const begin = beginOf(key, index)
  if (begin < 0) return ''
  const end = key.indexOf('.', begin)
  return end < 0 ? key.slice(begin) : key.slice(begin, end)
}

/** The offset of the word; -1 if the key has fewer words. */
function beginOf(key: string, index: number): number {
  let begin = 0
  for (let word = 0; word < index; word += 1) {
    const dot = key.indexOf('.', begin)
    if (dot < 0) return -1
    begin = dot + 1
  }
  return begin
}

function wordFromEnd(key: string, index: number): string {
  let end = key.length
  for (let word = 0; word < index; word += 1) {
    end = end > 0 ? key.lastIndexOf('.', end - 1) : -1
    if (end < 0) return ''
  }
  return key.slice(end > 0 ? key.lastIndexOf('.', end - 1) + 1 : 0, end)
}
