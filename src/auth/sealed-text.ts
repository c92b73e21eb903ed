import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/**
 * Encrypts a text with a key derived from the JWT secret, which all replicas share. A reader
 * without the secret learns nothing and can change nothing. `purpose` separates uses: a text that
 * was sealed for one cannot be opened for another.
 */
export function sealText(text: string, jwtSecret: string, purpose: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, keyOf(jwtSecret, purpose), nonce)
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** Returns undefined if the text was sealed with another secret or purpose, or is not sealed. */
export function openSealedText(sealed: string, jwtSecret: string, purpose: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const nonce = bytes.subarray(0, nonceBytes)
    const decipher = createDecipheriv(algorithm, keyOf(jwtSecret, purpose), nonce, { authTagLength: tagBytes })
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString()
  } catch {
    return undefined
  }
}

function keyOf(jwtSecret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', jwtSecret, '', purpose, 32))
}
