import { isIP } from 'node:net'

/**
 * The network that an address is charged to: an IPv4 address itself, also if it is mapped into
 * IPv6, and the /64 of an IPv6 address, because a single host has 2^64 addresses in it (RFC 6177).
 * A port after the address, as some proxies write it, is ignored. A text that is not an address is
 * returned unchanged.
 */
export function networkOf(address: string): string {
  const bare = withoutPort(address.trim())
  const family = isIP(bare)
  if (family !== 6) return bare
  const groups = groupsOf(bare)
  const [, , , , , marker = 0, high = 0, low = 0] = groups
  if (marker === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

/** `192.0.2.1:4711`, `[2001:db8::1]:4711`, `[2001:db8::1]`. */
function withoutPort(address: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+)$/.exec(address) ?? []
  return bracketed ?? plain ?? address
}

/** The eight groups of a valid IPv6 address (RFC 4291 §2.2), without its zone. */
function groupsOf(address: string): number[] {
  const [unzoned = ''] = address.split('%')
  const [head = '', tail] = unzoned.split('::')
  const left = numbersOf(head)
  if (tail === undefined) return left
  const right = numbersOf(tail)
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
}

function numbersOf(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
