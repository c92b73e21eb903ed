/** A JWT as it is written (RFC 7519 §3, in the compact serialisation of RFC 7515 §7.1). */
const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * The token that a first frame brings: JSON of an object with the one member `token`, which is a
 * JWT. Any other frame is somebody's text. Only the first frame of a connection that has brought no
 * token otherwise is ever looked at.
 */
export function tokenIn(frame: string): string | undefined {
  if (!frame.trimStart().startsWith('{')) return undefined
  try {
    const { token, ...others } = JSON.parse(frame) as Record<string, unknown>
    return typeof token === 'string' && jwt.test(token) && Object.keys(others).length === 0 ? token : undefined
  } catch {
    return undefined
  }
}
