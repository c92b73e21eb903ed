import type { IncomingMessage } from 'node:http'

/**
 * The origin that the browser of this request shows. A proxy that ends TLS names the scheme, and
 * counts only if the operator has proxies. The provider redirects to registered addresses only, so
 * a forged `Host` leads nowhere.
 */
export function publicOriginOf({ headers }: Pick<IncomingMessage, 'headers'>, proxyHops: number): string {
  const forwarded =
    proxyHops > 0 ? [headers['x-forwarded-proto'] ?? []].flat().join(',').split(',')[0]?.trim() : undefined
  const origin = `${forwarded === 'https' ? 'https' : 'http'}://${headers.host ?? ''}`
  return URL.canParse(origin) ? new URL(origin).origin : 'http://localhost'
}
