import { JsonNumber } from '../../core/json/json-number.ts'
import { readPointer } from '../../core/json/json-pointer.ts'
import { camelCase, isFieldName, reservedArguments, singularWords, UniqueNames, wordsOf } from '../draft/names.ts'
import { maxOptionalConditions } from '../model/event-schema.ts'
import { type EventEnvelope, type EventTypePlace, isObject } from './envelope.ts'
import type { EventSample, InferenceOptions } from './event-sample.ts'

/** A word of the routing key that varies. */
export interface Capture {
  readonly name: string
  /** Its place in the key, counted from 0. */
  readonly word: number
  readonly type: 'ID' | 'String'
  readonly distinct: ReadonlySet<string>
  /** The payload has the same value, so that types need no field for the word. */
  readonly isInPayload: boolean
  /** The member of the payload with the value, if it is not deeper. */
  readonly member: string | undefined
}

export interface InferredKeys {
  /** For `@events(routingKey:)`, one each. `#` alone: all. */
  readonly routingKeys: readonly string[]
  readonly captures: readonly Capture[]
  /** Comment lines. */
  readonly remarks: readonly string[]
}

const maxDirectKeys = 20
const plainWord = /^[^{}*#]+$/
const idLikeWord = /^(?:\d+|[\da-f]{8}-[\da-f]{4}-.*|(?=.*\d)[\w@:-]{3,}|.{25,})$/i
/** An id though all messages have the same one, because they are few. */
const certainId = /^(?:\d+|[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})$/i
/** As many distinct words are values, however they look. */
const manyWords = 20

/** `place`: that of the event type. A word of the key that holds it is captured in any case. */
export function inferKeys(
  samples: readonly EventSample[],
  options: InferenceOptions,
  envelope: EventEnvelope | undefined,
  place: EventTypePlace | undefined,
): InferredKeys {
  const keys = [...new Set(samples.map(({ routingKey }) => routingKey))]
  const exchangeType = options.exchangeType ?? 'TOPIC'
  if (exchangeType === 'DIRECT') return directKeys(keys)
  if (exchangeType !== 'TOPIC' || keys.every((key) => key === '')) return everything
  return topicKeys(samples, keys, envelope, place)
}

const everything: InferredKeys = { routingKeys: ['#'], captures: [], remarks: [] }

/** A direct exchange compares whole keys, so each needs a binding. */
function directKeys(keys: readonly string[]): InferredKeys {
  // `{a}` would be a capture, and `*` a wildcard.
  const possible = keys.filter((key) => !/[{}*#]/.test(key)).slice(0, maxDirectKeys)
  const leftOut = keys.length - possible.length
  const remarks =
    leftOut === 0 ? [] : [`- ${leftOut} more routing keys are left out; a direct exchange needs each of them.`]
  return { routingKeys: possible.length > 0 ? possible : [''], captures: [], remarks }
}

function topicKeys(
  samples: readonly EventSample[],
  keys: readonly string[],
  envelope: EventEnvelope | undefined,
  place: EventTypePlace | undefined,
): InferredKeys {
  const typeWord = place?.word
  const words = keys.map((key) => key.split('.'))
  const shortest = Math.min(...words.map(({ length }) => length))
  const longest = Math.max(...words.map(({ length }) => length))
  const names = new UniqueNames(reservedArguments)
  const captures: Capture[] = []
  const pattern: string[] = []
  for (let word = 0; word < shortest; word += 1) {
    const distinct = new Set(words.map((all) => all[word] ?? ''))
    const [only = ''] = distinct
    const isLiteral = distinct.size === 1 && plainWord.test(only) && !certainId.test(only)
    if (isLiteral && word !== typeWord) pattern.push(only)
    else if (distinct.has('') || (captures.length === maxOptionalConditions && word !== typeWord)) pattern.push('*')
    else if (word !== typeWord && followsFromType(samples, word, place)) pattern.push('*')
    else {
      const capture = captureOf(samples, word, distinct, envelope, pattern, typeWord, names)
      captures.push(capture)
      pattern.push(`{${capture.name}}`)
    }
  }
  if (longest > shortest) pattern.push('#')
  if (pattern.every((word) => word === '*' || word === '#')) return everything
  // Nothing is the same in all keys.
  const isUnordered = longest > shortest && pattern.every((word) => word === '*' || word === '#' || word.includes('{'))
  if (isUnordered && typeWord === undefined && !captures.some(({ isInPayload }) => isInPayload)) return everything
  const unnamed = captures.flatMap(({ name }) => (/^word\d+$/.test(name) ? [name] : []))
  return {
    routingKeys: [pattern.join('.')],
    captures,
    remarks:
      unnamed.length === 0 ? [] : [`- Give ${unnamed.join(', ')} a better name: a word of the routing key has none.`],
  }
}

/** Whether the event type has the word anyway: `created` of `order.created`. */
function followsFromType(samples: readonly EventSample[], word: number, place: EventTypePlace | undefined): boolean {
  if (!place) return false
  return samples.every((sample) => {
    const words = wordsOf(place.read(sample) ?? '')
    return wordsOf(sample.routingKey.split('.')[word] ?? '').every((part) => words.includes(part))
  })
}

function captureOf(
  samples: readonly EventSample[],
  word: number,
  distinct: ReadonlySet<string>,
  envelope: EventEnvelope | undefined,
  before: readonly string[],
  typeWord: number | undefined,
  names: UniqueNames,
): Capture {
  const same = memberWithWord(samples, word, envelope)
  const isId = distinct.size > manyWords || [...distinct].every((text) => idLikeWord.test(text))
  const previous = before.at(-1) ?? ''
  const literalBefore = plainWord.test(previous) ? singularWords(wordsOf(previous)) : []
  // “/customer/id” is “customerId”.
  const candidate =
    word === typeWord
      ? 'event'
      : ((same && camelCase(same.flatMap(wordsOf))) ??
        (isId && literalBefore.length > 0 ? camelCase([...literalBefore, 'id']) : `word${word + 1}`))
  const name = names.take(isFieldName(candidate) ? candidate : `word${word + 1}`, `${candidate}Word`)
  return {
    name,
    word,
    type: isId ? 'ID' : 'String',
    distinct,
    isInPayload: same !== undefined,
    member: same?.length === 1 ? same[0] : undefined,
  }
}

/** The path of the member of the payload that has the word's value in every message. */
function memberWithWord(
  samples: readonly EventSample[],
  word: number,
  envelope: EventEnvelope | undefined,
): readonly string[] | undefined {
  const payloads = samples.map(({ body }) => readPointer(body, envelope?.body ?? []))
  const texts = samples.map(({ routingKey }) => routingKey.split('.')[word])
  let candidates = scalarPaths(payloads[0]).filter((path) => textAt(payloads[0], path) === texts[0])
  for (const [index, payload] of payloads.entries()) {
    if (candidates.length === 0) return undefined
    candidates = candidates.filter((path) => textAt(payload, path) === texts[index])
  }
  return candidates[0]
}

const maxPaths = 200

/** Paths of members, and of members of members. */
function scalarPaths(payload: unknown): string[][] {
  if (!isObject(payload)) return []
  const names = Object.keys(payload).slice(0, maxPaths)
  const inner = names.flatMap((name) => {
    const value = payload[name]
    return isObject(value)
      ? Object.keys(value)
          .slice(0, maxPaths)
          .map((member) => [name, member])
      : []
  })
  return [...names.map((name) => [name]), ...inner]
}

function textAt(payload: unknown, path: readonly string[]): string | undefined {
  const value = readPointer(payload, path)
  if (typeof value === 'string') return value
  return typeof value === 'number' || value instanceof JsonNumber ? String(value) : undefined
}
