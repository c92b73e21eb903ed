import { deepStrictEqual, ok } from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { isCanonicalJson } from '../../src/core/json/canonical-json.ts'
import { compactJson } from '../../src/core/json/compact-json.ts'
import { parseJson } from '../../src/core/json/parse-json.ts'
import { printJson } from '../../src/core/json/print-json.ts'

const maxDepth = 50

/**
 * A body: what is passed through is what parsing and printing yield, and `parseJson` accepts what
 * `JSON.parse` accepts and keeps every digit.
 */
export function fuzz(data: Buffer): void {
  const isPassed = isCanonicalJson(data, maxDepth)
  if (!isUtf8(data)) return ok(!isPassed)
  const text = data.toString()
  const value = parsed(text, JSON.parse)
  const exact = parsed(text, parseJson)
  if (value === undefined) {
    ok(!isPassed)
    ok(exact === undefined)
    return
  }
  ok(exact !== undefined)
  const printed = printJson(exact.value) ?? ''
  if (isPassed) deepStrictEqual(printed, text)
  deepStrictEqual(printJson(parseJson(printed)), printed)
  // As numbers of JavaScript the two agree.
  deepStrictEqual(JSON.parse(printed), value.value)
  const compact = compactJson(data)
  if (compact) deepStrictEqual(JSON.parse(compact.toString()), value.value)
}

function parsed(text: string, parse: (text: string) => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: parse(text) }
  } catch (error) {
    ok(error instanceof SyntaxError)
    return undefined
  }
}
