import { expect, test } from '@jest/globals'
import { matchesTopic, topicMatcherOf } from '../../../src/core/model/topic-pattern.ts'

/** The rule as RabbitMQ documents it, word by word: slow but obviously correct. */
function reference(pattern: string[], words: string[]): boolean {
  const [head, ...rest] = pattern
  if (head === undefined) return words.length === 0
  if (head === '#') return reference(rest, words) || (words.length > 0 && reference(pattern, words.slice(1)))
  return words.length > 0 && (head === '*' || head === words[0]) && reference(rest, words.slice(1))
}

test('agrees with the rule on every pattern and key of up to four words', () => {
  const all = (alphabet: string[], length: number): string[][] =>
    length === 0 ? [[]] : all(alphabet, length - 1).flatMap((words) => alphabet.map((word) => [...words, word]))
  const keys = [1, 2, 3, 4].flatMap((length) => all(['a', 'b'], length))
  const patterns = [1, 2, 3, 4].flatMap((length) => all(['a', 'b', '*', '#'], length))
  // One `expect` for all, because ten thousand take seconds.
  const wrong = patterns.flatMap((pattern) =>
    keys
      .filter((key) =>
        [matchesTopic(pattern.join('.'), key.join('.')), topicMatcherOf(pattern.join('.'))(key.join('.'))].includes(
          !reference(pattern, key),
        ),
      )
      .map((key) => [pattern.join('.'), key.join('.')]),
  )
  expect(patterns.length * keys.length).toBe(340 * 30)
  expect(wrong).toEqual([])
})

test('a pattern of many # is fast for a key that does not match', () => {
  expect(matchesTopic(Array(60).fill('#.a').join('.'), `${Array(60).fill('a').join('.')}.b`)).toBe(false)
})
