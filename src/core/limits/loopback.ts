import { isIP } from 'node:net'

/**
 * Whether a host means this machine only: an address, or a host name as written in options and
 * URLs.
 */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1' || address === 'localhost'
}
