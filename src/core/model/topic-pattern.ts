/**
 * Words between dots; `*` matches exactly one word, `#` any number including none. These are the
 * rules of a RabbitMQ topic exchange, which Warren also uses for the channels that a scope names.
 * https://www.rabbitmq.com/tutorials/tutorial-five-javascript
 */
export function matchesTopic(pattern: string, key: string): boolean {
  return pattern === '#' || matchWords(pattern.split('.'), key.split('.'))
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
