/** The waiting items of one network, by client id. */
interface Network<T> {
  size: number
  readonly clients: Map<string, T[]>
}

/**
 * Waiting items, taken in turns by network and, within a network, by client id. A sender with many
 * items waits behind its own. The order of the maps is the order of turns.
 */
export class FairQueue<T> {
  readonly #networks = new Map<string, Network<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  sizeOf(network: string): number {
    return this.#networks.get(network)?.size ?? 0
  }

  add(network: string, client: string, item: T): void {
    let of = this.#networks.get(network)
    if (!of) {
      of = { size: 0, clients: new Map() }
      this.#networks.set(network, of)
    }
    const items = of.clients.get(client)
    if (items) items.push(item)
    else of.clients.set(client, [item])
    of.size += 1
    this.#size += 1
  }

  /**
   * Takes an item of the first network in turn for which `isAllowed` is true. Its network and its
   * client go to the end of the order.
   */
  take(isAllowed: (network: string) => boolean): T | undefined {
    for (const [name, network] of this.#networks) {
      if (!isAllowed(name)) continue
      const [client] = network.clients.keys()
      if (client === undefined) continue
      const items = network.clients.get(client) ?? []
      const item = items.shift()
      network.clients.delete(client)
      if (items.length > 0) network.clients.set(client, items)
      this.#networks.delete(name)
      this.#networks.set(name, network)
      this.#removed(name, network)
      return item
    }
    return undefined
  }

  /**
   * Drops the newest item of the client with the most items, in the given network or else in the
   * network with the most.
   */
  drop(of?: string): T | undefined {
    const name = of ?? longest(this.#networks, ({ size }) => size)
    const network = name === undefined ? undefined : this.#networks.get(name)
    if (name === undefined || !network) return undefined
    const client = longest(network.clients, ({ length }) => length)
    const items = client === undefined ? undefined : network.clients.get(client)
    if (client === undefined || !items) return undefined
    const item = items.pop()
    if (items.length === 0) network.clients.delete(client)
    this.#removed(name, network)
    return item
  }

  #removed(name: string, network: Network<T>): void {
    this.#size -= 1
    network.size -= 1
    if (network.size === 0) this.#networks.delete(name)
  }
}

/** Of entries with equal length, the one that was added last. */
function longest<V>(entries: Map<string, V>, lengthOf: (value: V) => number): string | undefined {
  let found: string | undefined
  let most = 0
  for (const [key, value] of entries) {
    if (lengthOf(value) >= most) [found, most] = [key, lengthOf(value)]
  }
  return found
}
