import { parseWithRightKeys } from '../../core/json/right-keys.ts'

/** A JWT in its compact serialisation (RFC 7519 §3, RFC 7515 §7.1). */
const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * The token in a first frame: a JSON object with the one member `token`, a JWT. Undefined: the
 * frame is a message. Called only for the first frame of a connection without a token in its URL or
 * header.
 */
export function tokenIn(frame: string): string | undefined {
  const token = onlyMember(frame, 'token')
  return token !== undefined && jwt.test(token) ? token : undefined
}

/**
 * The cursor in `{"ack": "…"}`. Undefined: the frame is a message. Called only for frames of a
 * connection with a position.
 */
export function ackIn(frame: string): string | undefined {
  return onlyMember(frame, 'ack')
}

/** The text of the one member of a JSON object. */
function onlyMember(frame: string, name: string): string | undefined {
  if (!frame.trimStart().startsWith('{')) return undefined
  try {
    const { [name]: value, ...others } = parseWithRightKeys(frame) as Record<string, unknown>
    return typeof value === 'string' && Object.keys(others).length === 0 ? value : undefined
  } catch {
    return undefined
  }
}
