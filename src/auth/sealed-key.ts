import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { DeploymentKey } from '../core/clients/deployment-keys.ts'

type SharedKey = Pick<DeploymentKey, 'secret' | 'createdAt' | 'newCursorsFrom'>

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/**
 * Encrypts a deployment key with the JWT secret. Replicas without a shared registry exchange the
 * key this way through RabbitMQ; they share the JWT secret in any case. A reader without the secret
 * learns nothing.
 */
export function sealKey({ secret, createdAt, newCursorsFrom }: SharedKey, jwtSecret: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, wrappingKey(jwtSecret), nonce)
  const text = JSON.stringify({ secret: secret.toString('base64url'), createdAt, newCursorsFrom })
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64url')
}

/** Returns undefined if the text was sealed with another secret or is not a sealed key. */
export function openSealedKey(sealed: string, jwtSecret: string): SharedKey | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const decipher = createDecipheriv(algorithm, wrappingKey(jwtSecret), bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAuthTag(bytes.subarray(-tagBytes))
    const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString()
    const { secret, createdAt, newCursorsFrom } = JSON.parse(text) as Record<keyof SharedKey, string>
    return {
      secret: Buffer.from(secret, 'base64url'),
      createdAt: new Date(createdAt),
      newCursorsFrom: new Date(newCursorsFrom),
    }
  } catch {
    return undefined
  }
}

function wrappingKey(jwtSecret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', jwtSecret, '', 'warren sealed deployment key', 32))
}
