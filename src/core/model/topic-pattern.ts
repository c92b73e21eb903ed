/**
 * Words between dots; `*` matches exactly one word, `#` any number including none. These are the
 * rules of a RabbitMQ topic exchange, which Warren also uses for the channels that a scope names.
 * https://www.rabbitmq.com/tutorials/tutorial-five-javascript
 */
export function matchesTopic(pattern: string, key: string): boolean {
  return pattern === '#' || matchWords(pattern.split('.'), key.split('.'))
}

/**
 * As `matchesTopic`, for a pattern that is compared with many keys. Most patterns have one wildcard
 * at the end, such as `client.*`: their keys are not split.
 */
export function topicMatcherOf(pattern: string): (key: string) => boolean {
  const words = pattern.split('.')
  const last = words.pop()
  if (words.length > 0 && last === '*' && !words.includes('*') && !words.includes('#')) {
    const start = pattern.slice(0, -1)
    return (key) => key.startsWith(start) && !key.includes('.', start.length)
  }
  const all = pattern.split('.')
  return (key) => matchWords(all, key.split('.'))
}

export function matchWords(pattern: readonly string[], words: readonly string[]): boolean {
  // Remember the last `#` and how many words it has taken; on a mismatch it takes one word more.
  // Linear time for one `#`, never exponential.
  let p = 0
  let w = 0
  let hash = -1
  let taken = 0
  while (w < words.length) {
    if (pattern[p] === '#') {
      hash = p
      taken = w
      p += 1
    } else if (p < pattern.length && (pattern[p] === '*' || pattern[p] === words[w])) {
      p += 1
      w += 1
    } else if (hash >= 0) {
      taken += 1
      w = taken
      p = hash + 1
    } else {
      return false
    }
  }
  while (pattern[p] === '#') p += 1
  return p === pattern.length
}
