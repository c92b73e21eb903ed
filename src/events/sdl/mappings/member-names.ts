/** The name of the member of a body that a field or argument of this name stands for. */
export type MemberNames = (name: string) => string

/** A word: capitals in a row (`ID`), or letters and digits that begin with at most one capital. */
const word = /[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|\d+/g

/** `case`: of `@naming`; undefined: names stay. Underscores in front stay. */
export function memberNamesOf(style: 'SNAKE' | 'KEBAB' | 'PASCAL' | undefined): MemberNames {
  if (style === undefined) return (name) => name
  return (name) => {
    const front = /^_*/.exec(name)?.[0] ?? ''
    const words = name.match(word) ?? []
    switch (style) {
      case 'SNAKE':
        return front + words.map((part) => part.toLowerCase()).join('_')
      case 'KEBAB':
        return front + words.map((part) => part.toLowerCase()).join('-')
      case 'PASCAL':
        return front + words.map((part) => part.slice(0, 1).toUpperCase() + part.slice(1)).join('')
    }
  }
}
