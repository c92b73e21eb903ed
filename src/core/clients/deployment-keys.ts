import { hkdfSync, randomBytes } from 'node:crypto'

/** The secret with which a deployment signs its cursors and the messages among its replicas. */
export interface DeploymentKey {
  readonly id: string
  readonly secret: Buffer
  /** When the first replica that supports keys made it. */
  readonly createdAt: Date
  /** When this registry adopted it. The key adopted last signs; all keys are accepted. */
  readonly adoptedAt: Date
  /**
   * Before this time cursors are printed in the old format, which replicas of the last release can
   * read.
   */
  readonly newCursorsFrom: Date
}

/** Stores keys: a part of the client registry. */
export interface KeyStore {
  /**
   * Inserts the key; if one with its id exists, only `adoptedAt` changes, and the secret stays.
   * Atomic.
   */
  addKey(key: DeploymentKey): Promise<void>
  listKeys(): Promise<DeploymentKey[]>
}

/**
 * The id of the key that a registry makes itself. Because it is fixed, only one of several replicas
 * that start at once makes the key.
 */
const ownId = 'deployment'
const secretBytes = 32
/**
 * How long after an update cursors keep the old format: as long as a rolling update may reasonably
 * take.
 */
const rollingUpdateMs = 10 * 60_000

/**
 * The keys of this deployment, stored in its registry. They do not depend on the JWT secret, which
 * rotates.
 */
export class DeploymentKeys {
  readonly #registry: Pick<KeyStore, 'addKey'> | undefined
  readonly #listeners: (() => void)[] = []
  #keys: readonly DeploymentKey[]

  /** `registry`: stores keys that are adopted later. */
  constructor(keys: readonly DeploymentKey[], registry?: Pick<KeyStore, 'addKey'>) {
    this.#registry = registry
    this.#keys = latestFirst(keys)
  }

  /** Reads the keys, and makes the first one if none exists. */
  static async open(registry: KeyStore & { listSources(): Promise<readonly unknown[]> }): Promise<DeploymentKeys> {
    const known = await registry.listKeys()
    if (known.some(({ id }) => id === ownId)) return new DeploymentKeys(known, registry)
    // A registry with sources but without a key was made by a release without keys. Replicas of
    // that release may still run.
    const isUpdate = (await registry.listSources()).length > 0
    await registry.addKey(newKey({ isUpdate }))
    return new DeploymentKeys(await registry.listKeys(), registry)
  }

  /** The key that signs. */
  get current(): DeploymentKey {
    const [first] = this.#keys
    if (!first) throw new Error('the registry has no key')
    return first
  }

  /** The accepted keys, the current one first. */
  get all(): readonly DeploymentKey[] {
    return this.#keys
  }

  /** When the first replica that supports keys started. */
  get since(): Date {
    return new Date(Math.min(...this.#keys.map(({ createdAt }) => createdAt.getTime())))
  }

  /**
   * Signs with this key from now on. The key is in force here when this returns, even if storing it
   * then fails.
   */
  async adopt(key: Pick<DeploymentKey, 'secret' | 'createdAt' | 'newCursorsFrom'>): Promise<void> {
    if (this.current.secret.equals(key.secret)) return
    const known = this.#keys.find(({ secret }) => secret.equals(key.secret))
    const adopted = { ...key, id: known?.id ?? randomBytes(16).toString('hex'), adoptedAt: new Date() }
    this.#keys = [adopted, ...this.#keys.filter(({ id }) => id !== adopted.id)]
    for (const listener of this.#listeners) listener()
    await this.#registry?.addKey(adopted)
  }

  /** The listener is called whenever another key becomes the current one. */
  onAdopted(listener: () => void): void {
    this.#listeners.push(listener)
  }
}

export function newKey({ isUpdate }: { isUpdate: boolean }): DeploymentKey {
  const now = new Date()
  return {
    id: ownId,
    secret: randomBytes(secretBytes),
    createdAt: now,
    adoptedAt: now,
    newCursorsFrom: isUpdate ? new Date(now.getTime() + rollingUpdateMs) : now,
  }
}

/**
 * Derives a key for one purpose (HKDF, RFC 5869): leaking it reveals nothing about the keys of
 * other purposes.
 */
export function derivedKey({ secret }: DeploymentKey, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `warren ${purpose}`, bytes))
}

function latestFirst(keys: readonly DeploymentKey[]): DeploymentKey[] {
  return keys.toSorted((a, b) => b.adoptedAt.getTime() - a.adoptedAt.getTime() || (a.id < b.id ? -1 : 1))
}
