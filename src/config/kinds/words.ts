import { hiddenIn } from '../../core/body/invisible-characters.ts'
import { maxShortStringBytes } from '../../core/model/short-string.ts'
import { BadValue, type Kind } from './kind.ts'

export function choice<const Word extends string>(...words: readonly Word[]): Kind<Word> {
  return {
    expected: words.join(' or '),
    parse(text) {
      const word = words.find((word) => word === text)
      if (word === undefined) throw new BadValue()
      return word
    },
    print: (word) => word,
  }
}

/** Some of the words, comma-separated, each once. */
export function choices<const Word extends string>(...words: readonly Word[]): Kind<readonly Word[]> {
  return {
    expected: `one or more of ${words.join(', ')}, comma-separated`,
    parse(text) {
      const chosen = text.split(',').map((part) => words.find((word) => word === part.trim()))
      const known = chosen.filter((word) => word !== undefined)
      if (known.length < chosen.length || new Set(known).size < known.length) throw new BadValue()
      return known
    },
    print: (chosen) => chosen.join(','),
  }
}

export const onOff: Kind<boolean> = {
  expected: 'on or off',
  parse(text) {
    if (text !== 'on' && text !== 'off') throw new BadValue()
    return text === 'on'
  },
  print: (on) => (on ? 'on' : 'off'),
}

/**
 * A prefix of names on RabbitMQ. Dots are not allowed because they separate the parts of a name, so
 * no namespace can contain another.
 */
export const namespace: Kind<string> = {
  expected: '1 to 63 letters, digits, "-" or "_"',
  parse(text) {
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(text)) throw new BadValue()
    return text
  },
  print: (name) => name,
}

/**
 * The name is a short string (`maxShortStringBytes`). It is not empty, because the default exchange
 * cannot be declared or bound.
 */
export const exchangeName: Kind<string> = {
  expected: `the name of an exchange, 1 to ${maxShortStringBytes} bytes in one line`,
  parse(text) {
    if (text === '' || Buffer.byteLength(text) > maxShortStringBytes || /\p{Cc}/u.test(text)) throw new BadValue()
    return text
  },
  print: (name) => name,
}

/** Words between dots. `*` matches one word and `#` any number, as on a topic exchange. */
export const exchangePatterns: Kind<readonly string[]> = {
  expected: 'patterns of exchanges such as orders.*, or the word sources, separated by commas',
  parse(text) {
    const parts = text.split(',').map((part) => part.trim())
    for (const part of parts) exchangeName.parse(part)
    return parts
  },
  print: (list) => list.join(','),
}

/**
 * Prefix of client ids. It must be a valid client id itself, and visible because new ids must be.
 */
export const idPrefix: Kind<string> = {
  expected: '1 to 64 bytes of visible characters without white space',
  parse(text) {
    if (Buffer.byteLength(text) > 64 || /[\s\p{Cc}]/u.test(text) || hiddenIn(text) !== undefined) throw new BadValue()
    return text
  },
  print: (prefix) => prefix,
}

export const directory: Kind<string> = {
  expected: 'the path of a directory',
  parse(text) {
    if (text.includes('\0')) throw new BadValue()
    return text
  },
  print: (path) => path,
}

/** Paths of files and folders, or patterns of them, separated by commas. */
export const paths: Kind<readonly string[]> = {
  expected: 'paths of files or folders, or patterns such as events/*.graphql, separated by commas',
  parse(text) {
    const parts = text.split(',').map((part) => part.trim())
    if (parts.some((part) => part === '' || /\p{Cc}/u.test(part))) throw new BadValue()
    return parts
  },
  print: (list) => list.join(','),
}

/** Names of exchanges, each with the name to use in its place. */
export const exchangeMap: Kind<readonly (readonly [name: string, other: string])[]> = {
  expected: 'pairs such as orders=prod.orders.v2, separated by commas, each name once',
  parse(text) {
    const pairs = text.split(',').map((part): [string, string] => {
      const [name = '', other = '', ...rest] = part.trim().split('=')
      if (rest.length > 0) throw new BadValue()
      return [exchangeName.parse(name), exchangeName.parse(other)]
    })
    if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new BadValue()
    return pairs
  },
  print: (pairs) => pairs.map((pair) => pair.join('=')).join(','),
}

/** Any text in one line, such as the name of an issuer. */
export const line: Kind<string> = {
  expected: 'text in one line',
  parse(text) {
    if (/\p{Cc}/u.test(text)) throw new BadValue()
    return text
  },
  print: (text) => text,
}

/** HS256 requires a key at least as long as its hash (RFC 7518 §3.2). */
const minSecretBytes = 32

export const secret: Kind<string> = {
  expected: `at least ${minSecretBytes} bytes`,
  parse(text) {
    const length = Buffer.byteLength(text)
    if (length < minSecretBytes) throw new BadValue(`${length}`)
    return text
  },
  print: () => '***',
}
