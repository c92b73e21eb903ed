import { splitPointer } from '../../core/json/json-pointer.ts'
import { httpUrl } from './addresses.ts'
import { BadValue, type Kind } from './kind.ts'
import { idPrefix } from './words.ts'

/** One entry for each identity provider, or one for all of them. */
function list<Item>(
  expected: string,
  parse: (part: string) => Item,
  print: (item: Item) => string,
): Kind<readonly Item[]> {
  return {
    expected,
    parse(text) {
      return text.split(',').map((part) => parse(part.trim()))
    },
    print: (items) => items.map(print).join(','),
  }
}

export const httpUrls = list(
  `${httpUrl.expected}; several separated by commas`,
  (text) => httpUrl.parse(text),
  (url) => httpUrl.print(url),
)

export const lines = list('text in one line; several separated by commas', lineIn, String)

function lineIn(text: string): string {
  if (text === '' || /\p{Cc}/u.test(text)) throw new BadValue()
  return text
}

/** A claim, and a prefix for the ids that it contains. */
export interface IdClaim {
  readonly claim: string
  readonly prefix: string
}

export const idClaims = list<IdClaim>(
  'the name of a claim or a JSON pointer such as /customer/id, with a prefix for its ids if wanted (partner-=sub); several separated by commas',
  (text) => {
    const [, prefix, claim = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(text) ?? []
    return { claim: claimIn(claim), prefix: prefix === undefined ? '' : idPrefix.parse(prefix) }
  },
  ({ claim, prefix }) => (prefix === '' ? claim : `${prefix}=${claim}`),
)

export const claimNames = list(
  'names of claims or JSON pointers such as /realm_access/roles, separated by commas',
  claimIn,
  String,
)

function claimIn(text: string): string {
  if (lineIn(text).startsWith('/') && splitPointer(text) === undefined) throw new BadValue()
  return text
}

/** What a word of an identity provider grants. */
export interface ScopeMapEntry {
  /** Undefined: of every provider. */
  readonly issuer: string | undefined
  readonly word: string
  readonly grants: readonly string[]
}

/** Each word at most once for an issuer. */
export const scopeMap: Kind<readonly ScopeMapEntry[]> = {
  expected:
    'entries such as orders-admin=operator or "https://id.example.com orders-admin=operator", separated by commas, each word once; in a word, space, comma, = and % are percent-encoded',
  parse(text) {
    const entries = text.split(',').map((part) => entryIn(part.trim()))
    const keys = new Set(entries.map(({ issuer, word }) => JSON.stringify([issuer, word])))
    if (keys.size < entries.length) throw new BadValue()
    return entries
  },
  print: (entries) =>
    entries
      .map(
        ({ issuer, word, grants }) =>
          `${issuer === undefined ? '' : `${issuer} `}${word.replace(/[\s,=%]/g, encodeURIComponent)}=${grants.join(' ')}`,
      )
      .join(','),
}

function entryIn(text: string): ScopeMapEntry {
  const [, issuer, word = '', grants = ''] = /^(?:(\S+) +)?([^\s=]+)=(.*)$/.exec(text) ?? []
  const words = grants.split(' ').filter((grant) => grant !== '')
  if (word === '' || words.length === 0 || /\p{Cc}/u.test(text)) throw new BadValue()
  return { issuer, word: decoded(word), grants: words }
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word)
  } catch {
    throw new BadValue()
  }
}
