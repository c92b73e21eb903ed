import type { DeploymentKey } from '../core/clients/deployment-keys.ts'
import { openSealedText, sealText } from './sealed-text.ts'

type SharedKey = Pick<DeploymentKey, 'secret' | 'createdAt' | 'newCursorsFrom'>

const purpose = 'warren sealed deployment key'

/**
 * Encrypts a deployment key with the JWT secret. Replicas without a shared registry exchange the
 * key this way through RabbitMQ; they share the JWT secret in any case.
 */
export function sealKey({ secret, createdAt, newCursorsFrom }: SharedKey, jwtSecret: string): string {
  const text = JSON.stringify({ secret: secret.toString('base64url'), createdAt, newCursorsFrom })
  return sealText(text, jwtSecret, purpose)
}

/** Returns undefined if the text was sealed with another secret or is not a sealed key. */
export function openSealedKey(sealed: string, jwtSecret: string): SharedKey | undefined {
  try {
    const text = openSealedText(sealed, jwtSecret, purpose) ?? ''
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
