import { parseWithRightKeys } from '../../core/json/right-keys.ts'

/** A JWT in its compact serialisation (RFC 7519 §3, RFC 7515 §7.1). */
const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * The token in a first frame: a JSON object with the one member `token`, a JWT. Undefined: the
 * frame is a message. Called only for the first frame of a connection without a token in its URL or
 * header.
 */
export function tokenIn(frame: string): string | undefined {
  if (!frame.trimStart().startsWith('{')) return undefined
  try {
    const { token, ...others } = parseWithRightKeys(frame) as Record<string, unknown>
    return typeof token === 'string' && jwt.test(token) && Object.keys(others).length === 0 ? token : undefined
  } catch {
    return undefined
  }
}
