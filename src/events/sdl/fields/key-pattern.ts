import { maxShortStringBytes } from '../../../core/model/short-string.ts'
import type { ExchangeType } from '../../../core/model/source.ts'
import type { KeyPattern, KeyWord } from '../../model/event-schema.ts'
import { quoted } from '../mistakes.ts'

const capture = /^\{([A-Za-z_]\w*)(#?)\}$/

/** Reads a routing key with captures. `report` gets each mistake; then the result is undefined. */
export function readKeyPattern(
  routingKey: string,
  exchangeType: ExchangeType,
  report: (message: string) => void,
): KeyPattern | undefined {
  const problems = [...problemsOf(routingKey, exchangeType)]
  for (const problem of problems) report(problem)
  if (problems.length > 0) return undefined
  // These exchanges ignore the key of a binding.
  if (exchangeType === 'FANOUT' || exchangeType === 'HEADERS') return { bindingKey: '', words: [{ kind: 'anyRest' }] }
  const words = routingKey.split('.').map((text) => wordOf(text, exchangeType))
  return { bindingKey: words.map(bindingWord).join('.'), words }
}

export function capturesOf({ words }: KeyPattern): string[] {
  return words.flatMap((word) => (word.kind === 'capture' || word.kind === 'rest' ? word.name : []))
}

function* problemsOf(routingKey: string, exchangeType: ExchangeType): Generator<string> {
  const bytes = Buffer.byteLength(routingKey)
  if (bytes > maxShortStringBytes) yield `expected a routing key of at most ${maxShortStringBytes} bytes, got ${bytes}`
  if (/\p{Cc}/u.test(routingKey)) yield 'expected a routing key without control characters'
  if (exchangeType === 'TOPIC') return yield* topicProblems(routingKey)
  const type = exchangeType.toLowerCase()
  if (/[{}]/.test(routingKey)) {
    yield `captures need a topic exchange, and this is a ${type} exchange: take values from the body, a header or a property`
  } else if (exchangeType === 'DIRECT') {
    const wildcard = routingKey.split('.').find((word) => word === '#' || word === '*')
    if (wildcard !== undefined) {
      yield `a direct exchange takes the routing key as it is, without wildcards: expected a key such as "order.created", got ${quoted(routingKey)}`
    }
  } else if (routingKey !== '#') {
    yield `a ${type} exchange ignores routing keys: leave routingKey out, or use @only(property: ROUTING_KEY, in: […])`
  }
}

function* topicProblems(routingKey: string): Generator<string> {
  const words = routingKey.split('.')
  const names: string[] = []
  for (const [index, word] of words.entries()) {
    if (!/[{}]/.test(word)) continue
    const [, name = '', rest = ''] = capture.exec(word) ?? []
    if (name === '') {
      yield `expected a capture such as {region} or {path#} as a whole word between dots, got ${quoted(word)}`
    } else if (rest !== '' && index !== words.length - 1) {
      yield `${word} takes the rest of the key, so it must be the last word`
    } else if (names.includes(name)) {
      yield `the capture {${name}} is there twice: give each capture a name of its own`
    }
    names.push(name)
  }
  const wildcards = words.filter((word) => word === '#' || word.endsWith('#}'))
  if (names.length > 0 && wildcards.length > 1) {
    yield `expected at most one # beside captures, because with two it is uncertain which word a capture takes, got ${quoted(routingKey)}`
  }
}

function wordOf(text: string, exchangeType: ExchangeType): KeyWord {
  if (exchangeType !== 'TOPIC') return { kind: 'word', text }
  if (text === '*') return { kind: 'any' }
  if (text === '#') return { kind: 'anyRest' }
  const [, name, rest] = capture.exec(text) ?? []
  if (name === undefined) return { kind: 'word', text }
  return { kind: rest === '#' ? 'rest' : 'capture', name }
}

function bindingWord(word: KeyWord): string {
  switch (word.kind) {
    case 'word':
      return word.text
    case 'any':
    case 'capture':
      return '*'
    case 'anyRest':
    case 'rest':
      return '#'
  }
}
