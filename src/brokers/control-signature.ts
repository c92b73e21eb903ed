import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { type DeploymentKeys, derivedKey } from '../core/clients/deployment-keys.ts'
import type { ControlMessage } from '../core/ports/control-bus.ts'
import { readControlMessage } from './control-message.ts'

/**
 * The maximum age of a control message, and the maximum difference between the clocks of two
 * replicas, in milliseconds.
 */
const freshMs = 5 * 60_000
/**
 * The maximum number of remembered nonces; beyond it the oldest are dropped. A deployment sends at
 * most a few control messages a second.
 */
const maxNonces = 50_000

/**
 * A message from the control bus. Only a signed message is obeyed; any other only hints that the
 * registry may have changed.
 */
export type ReceivedControl =
  | { readonly isSigned: true; readonly message: ControlMessage }
  | { readonly isSigned: false }

/**
 * Signs control messages with the deployment's key and verifies received ones. Replicas of the last
 * release can still read a message: they use the plain members and ignore `signed` and `signature`.
 * This release uses only `signed`: the same message as text, with the time and a nonce, so that a
 * replayed copy is rejected.
 */
export class ControlSignature {
  readonly #keys: DeploymentKeys
  #secrets: readonly Buffer[] = []
  /** Nonce → when it was received. */
  readonly #nonces = new Map<string, number>()

  constructor(keys: DeploymentKeys) {
    this.#keys = keys
    this.#derive()
    keys.onAdopted(() => this.#derive())
  }

  /** The message as JSON for the wire. */
  write(message: ControlMessage): object {
    const signed = JSON.stringify({ ...message, nonce: randomUUID(), sentAt: Date.now() })
    return { ...message, signed, signature: this.#sign(signed, this.#secrets[0]).toString('base64url') }
  }

  /** Returns undefined if this is not a control message that this version knows. */
  read(json: unknown): ReceivedControl | undefined {
    const plain = readControlMessage(json)
    const text = this.#verify(json)
    const message = text === undefined ? undefined : readControlMessage(text)
    if (message) return { isSigned: true, message }
    return plain && { isSigned: false }
  }

  /**
   * Returns the signed content if the signature is valid, the message is fresh, and its nonce is
   * new.
   */
  #verify(json: unknown): Readonly<Record<string, unknown>> | undefined {
    if (typeof json !== 'object' || json === null) return undefined
    const { signed, signature } = json as Record<string, unknown>
    if (typeof signed !== 'string' || typeof signature !== 'string') return undefined
    const given = Buffer.from(signature, 'base64url')
    const isValid = this.#secrets.some((secret) => {
      const expected = this.#sign(signed, secret)
      return expected.length === given.length && timingSafeEqual(expected, given)
    })
    if (!isValid) return undefined
    const content = JSON.parse(signed) as Record<string, unknown>
    const { nonce, sentAt } = content
    const now = Date.now()
    if (typeof nonce !== 'string' || typeof sentAt !== 'number' || Math.abs(now - sentAt) > freshMs) return undefined
    return this.#isNew(nonce, now) ? content : undefined
  }

  #isNew(nonce: string, now: number): boolean {
    for (const [known, at] of this.#nonces) {
      // Twice the maximum age, because a clock that is ahead dates a message into the future.
      if (this.#nonces.size <= maxNonces && now - at <= 2 * freshMs) break
      this.#nonces.delete(known)
    }
    if (this.#nonces.has(nonce)) return false
    this.#nonces.set(nonce, now)
    return true
  }

  #sign(text: string, secret: Buffer | undefined): Buffer {
    return createHmac('sha256', secret ?? '')
      .update(text)
      .digest()
  }

  #derive(): void {
    this.#secrets = this.#keys.all.map((key) => derivedKey(key, 'control messages', 32))
  }
}
