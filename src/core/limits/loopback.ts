import { isIP } from 'node:net'

/**
 * Whether only this machine is meant, by an address or by a host name as they stand in options and
 * URLs.
 */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1' || address === 'localhost'
}
