/**
 * The network that limits by address count: an IPv4 address as it is, an IPv4-mapped IPv6 address as that IPv4 address, and any other IPv6 address by
 * its /64, because one subscriber is given at least that many (RFC 6177). Anything else is returned as it came.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const plain = (address.split('%', 1)[0] ?? '').toLowerCase()
  const words = wordsOf(plain)
  if (!words) return address
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff
  if (isMapped) {
    const [high = 0, low = 0] = words.slice(6)
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  }
  return `${words
    .slice(0, 4)
    .map((word) => word.toString(16))
    .join(':')}::/64`
}

/** The eight words of an IPv6 address (RFC 4291 §2.2); undefined where the text is none. */
function wordsOf(address: string): number[] | undefined {
  const [head = '', tail, ...others] = address.split('::')
  if (others.length > 0) return undefined
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  if (!before || !after) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  return [...before, ...Array<number>(missing).fill(0), ...after]
}

function groupsOf(text: string): number[] | undefined {
  const words: number[] = []
  for (const group of text === '' ? [] : text.split(':')) {
    const [, ...octets] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(group) ?? []
    if (octets.length === 4) {
      const [a = 0, b = 0, c = 0, d = 0] = octets.map(Number)
      words.push((a << 8) | b, (c << 8) | d)
    } else if (/^[0-9a-f]{1,4}$/.test(group)) words.push(Number.parseInt(group, 16))
    else return undefined
  }
  return words
}
