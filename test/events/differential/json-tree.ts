/** A JSON text as the reference reads it: every number is its digits, every object its members. */
export type JsonTree = null | boolean | string | Digits | JsonTree[] | ReadonlyMap<string, JsonTree>

/** A number as written. */
export class Digits {
  readonly token: string

  constructor(token: string) {
    this.token = token
  }
}

/**
 * Reads JSON without white space. As in JavaScript, of members with one name the last counts, at
 * the place of the first, and indexes come before other names.
 */
export function readTree(text: string): JsonTree {
  let at = 0
  const read = (): JsonTree => {
    const first = text[at]
    if (first === '{') {
      const members = new Map<string, JsonTree>()
      at += 1
      while (text[at] !== '}') {
        if (text[at] === ',') at += 1
        const name = readString()
        at += 1
        members.set(name, read())
      }
      at += 1
      return inOrder(members)
    }
    if (first === '[') {
      const items: JsonTree[] = []
      at += 1
      while (text[at] !== ']') {
        if (text[at] === ',') at += 1
        items.push(read())
      }
      at += 1
      return items
    }
    if (first === '"') return readString()
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (!text.startsWith(word, at)) continue
      at += word.length
      return value
    }
    const [token = ''] = /^[-+.\deE]+/.exec(text.slice(at, at + 500)) ?? []
    if (token === '') throw new Error(`no JSON at ${at}`)
    at += token.length
    return new Digits(token)
  }
  const readString = (): string => {
    const begin = at
    at += 1
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    at += 1
    return JSON.parse(text.slice(begin, at)) as string
  }
  return read()
}

function inOrder(members: ReadonlyMap<string, JsonTree>): ReadonlyMap<string, JsonTree> {
  const isIndex = (name: string) => /^(0|[1-9][0-9]{0,8})$/.test(name)
  const indexes = [...members].filter(([name]) => isIndex(name)).sort(([a], [b]) => Number(a) - Number(b))
  return new Map([...indexes, ...[...members].filter(([name]) => !isIndex(name))])
}

export function printTree(tree: JsonTree): string {
  if (tree instanceof Digits) return tree.token
  if (Array.isArray(tree)) return `[${tree.map(printTree).join(',')}]`
  if (tree instanceof Map) {
    const members = tree as ReadonlyMap<string, JsonTree>
    return `{${[...members].map(([name, member]) => `${JSON.stringify(name)}:${printTree(member)}`).join(',')}}`
  }
  return JSON.stringify(tree)
}

/** RFC 6901. */
export function atPointer(tree: JsonTree | undefined, tokens: readonly string[]): JsonTree | undefined {
  const [token, ...rest] = tokens
  if (token === undefined) return tree
  if (Array.isArray(tree)) return /^(0|[1-9][0-9]*)$/.test(token) ? atPointer(tree[Number(token)], rest) : undefined
  return tree instanceof Map ? atPointer((tree as ReadonlyMap<string, JsonTree>).get(token), rest) : undefined
}
