import { isLoopback } from '../../core/limits/loopback.ts'
import { httpUrl } from './addresses.ts'
import { BadValue, type Kind } from './kind.ts'

/** Plain HTTP would let everybody on the way sign in, so it is for a provider on this machine. */
export const oidcIssuer: Kind<string> = {
  expected: 'the https URL of an issuer; http only on this machine',
  parse(text) {
    const { protocol, hostname, username, search, hash } = new URL(httpUrl.parse(text))
    if (protocol !== 'https:' && !isLoopback(hostname)) throw new BadValue('http on another machine')
    if (username !== '' || search !== '' || hash !== '') throw new BadValue('a URL with a user, a query or a fragment')
    return text
  },
  print: String,
}

export const httpOrigin: Kind<string> = {
  expected: 'an origin such as https://warren.example.com, without a path',
  parse(text) {
    const { origin, href } = new URL(httpUrl.parse(text))
    if (href !== `${origin}/`) throw new BadValue('a URL with a path, a query or a user')
    return origin
  },
  print: String,
}

export const clientSecret: Kind<string> = {
  expected: 'the client secret of the provider, in one line',
  parse(text) {
    if (text === '' || /\p{Cc}/u.test(text)) throw new BadValue()
    return text
  },
  print: () => '***',
}

/** Names of roles or groups, or `*`. */
export const roleWords: Kind<readonly string[]> = {
  expected: 'roles or groups separated by commas, or *; in a name, space, comma and % are percent-encoded',
  parse(text) {
    const words = text.split(',').map((part) => part.trim())
    if (words.some((word) => word === '' || /[\s\p{Cc}]/u.test(word))) throw new BadValue()
    if (words.includes('*') && words.length > 1) throw new BadValue('* with other entries')
    try {
      return words.map((word) => decodeURIComponent(word))
    } catch {
      throw new BadValue()
    }
  },
  print: (words) => words.map((word) => word.replace(/[\s,%]/g, encodeURIComponent)).join(','),
}
