import type { DeploymentKey } from '../../src/core/clients/deployment-keys.ts'
import type { Source } from '../../src/core/model/source.ts'
import type { Client, ClientBar, ClientRegistry, Revocation } from '../../src/core/ports/client-registry.ts'

/** A registry in memory that records the calls of the core, and rejects them while `failing`. */
export class MemoryRegistry implements ClientRegistry {
  readonly calls: (readonly [name: string, ...args: readonly unknown[]])[] = []
  readonly clients = new Map<string, Client>()
  readonly sources = new Map<string, Source>()
  readonly revocations = new Map<string, Revocation>()
  readonly bars = new Map<string, ClientBar>()
  readonly keys = new Map<string, DeploymentKey>()
  failing: Error | undefined
  #changedAt = 0

  async addClient(client: Client) {
    this.#called('addClient', client.clientId)
    const known = this.clients.get(client.clientId)
    if (!known) this.clients.set(client.clientId, client)
    return { client: known ?? client, created: !known }
  }

  async findClient(clientId: string) {
    this.#called('findClient', clientId)
    return this.clients.get(clientId)
  }

  async findClientIds(options: { containing: string; behind?: string; without?: string; first: number }) {
    this.#called('findClientIds', options)
    const { containing, behind = '', without, first } = options
    return [...this.clients.keys()]
      .toSorted()
      .filter((id) => id > behind && id.toLowerCase().includes(containing.toLowerCase()))
      .filter((id) => without === undefined || !id.startsWith(without))
      .slice(0, first)
  }

  async countClients({ without }: { without?: string } = {}) {
    this.#called('countClients', without)
    return [...this.clients.keys()].filter((id) => without === undefined || !id.startsWith(without)).length
  }

  async removeClient(clientId: string) {
    this.#called('removeClient', clientId)
    return this.clients.delete(clientId)
  }

  async addSource(source: Source) {
    this.#called('addSource', source.id)
    const known = this.sources.get(source.id)
    if (!known) this.sources.set(source.id, source)
    return { source: known ?? source, created: !known }
  }

  async renewSource(source: Source) {
    this.#called('renewSource', source.id)
    const known = this.sources.get(source.id)
    if (known && known.createdAt >= source.createdAt) return known
    this.sources.set(source.id, source)
    return source
  }

  async listSources() {
    this.#called('listSources')
    return [...this.sources.values()]
  }

  async removeSource(id: string, createdUpTo?: Date) {
    this.#called('removeSource', id)
    const source = this.sources.get(id)
    if (source && createdUpTo && source.createdAt > createdUpTo) return undefined
    this.sources.delete(id)
    return source
  }

  async addRevocation(revocation: Revocation) {
    this.#called('addRevocation', revocation.clientId)
    const known = this.revocations.get(revocation.clientId)
    if (!known || known.at < revocation.at) this.revocations.set(revocation.clientId, revocation)
  }

  async listRevocations(behind?: Date) {
    this.#called('listRevocations', behind)
    return [...this.revocations.values()].filter(({ at }) => !behind || at > behind)
  }

  async changeClientBar(clientId: string, change: Partial<ClientBar>) {
    this.#called('changeClientBar', clientId)
    this.#changedAt = Math.max(Date.now(), this.#changedAt + 1)
    const none = { loginLocked: false, banned: false, deletedAt: undefined, origin: undefined }
    const bar = { ...none, ...this.bars.get(clientId), ...change, clientId, changedAt: new Date(this.#changedAt) }
    this.bars.set(clientId, bar)
    return bar
  }

  async findClientBar(clientId: string) {
    this.#called('findClientBar', clientId)
    return this.bars.get(clientId)
  }

  async listClientBars(behind?: Date) {
    this.#called('listClientBars', behind)
    return [...this.bars.values()].filter(({ changedAt }) => !behind || changedAt > behind)
  }

  async addKey(key: DeploymentKey) {
    this.#called('addKey', key.id)
    const known = this.keys.get(key.id)
    this.keys.set(key.id, known ? { ...known, adoptedAt: key.adoptedAt } : key)
  }

  async listKeys() {
    this.#called('listKeys')
    return [...this.keys.values()]
  }

  async close() {}

  #called(name: string, ...args: readonly unknown[]): void {
    this.calls.push([name, ...args])
    if (this.failing) throw this.failing
  }
}
