import type { InProcessGateway } from '../support/gateway/gateway-in-process.ts'
import type { TcpProxy } from '../support/network/tcp-proxy.ts'

/** Mulberry32: small, and equal on every platform. */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

export function numbers(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index)
}

/** The numbers that a client has received, and the callers that wait for a count. */
export class ReceivedNumbers {
  readonly data: unknown[] = []
  /** Count of received numbers → callbacks that run once when it is reached. */
  readonly #at = new Map<number, (() => void)[]>()
  #fail: (error: unknown) => void = () => undefined
  readonly #failed = new Promise<never>((_resolve, reject) => {
    this.#fail = reject
  })

  constructor() {
    this.#failed.catch(() => undefined)
  }

  readonly add = (data: unknown): void => {
    this.data.push(data)
    for (const happen of this.#at.get(this.data.length) ?? []) happen()
  }

  readonly fail = (error: unknown): void => this.#fail(error)

  at(count: number, happen: () => void): void {
    this.#at.set(count, [...(this.#at.get(count) ?? []), happen])
  }

  /** Resolves when `count` numbers have been received; rejects if the subscription ends before. */
  async until(count: number): Promise<void> {
    if (this.data.length >= count) return
    await Promise.race([new Promise<void>((resolve) => this.at(count, resolve)), this.#failed])
  }
}

/** Publishes a number to a client of a gateway on `memory:`. */
export async function publish(gateway: InProcessGateway, clientId: string, data: unknown): Promise<void> {
  await gateway.gateway.publish({
    routingKey: `client.${clientId}`,
    body: Buffer.from(JSON.stringify(data)),
    properties: { contentType: 'application/json' },
  })
}

/**
 * Publishes numbers in bursts as the client receives them, cuts its connection at random positions,
 * and publishes while the client is disconnected. Resolves when the client has received as many
 * numbers as were published. No connection is cut twice: a cut waits until the client has received
 * something on a new one.
 */
export async function chaos(options: {
  seed: number
  count: number
  cuts: number
  received: ReceivedNumbers
  publish: (n: number) => Promise<void>
  cut: () => void
  /** How many connections the client has opened so far. */
  connections: () => number
}): Promise<void> {
  const { seed, count, cuts, received } = options
  const random = generator(seed)
  const burst = Math.ceil(count / (3 * cuts))
  let published = 0
  const more = async (): Promise<void> => {
    const from = published
    published = Math.min(count, from + burst)
    await Promise.all(numbers(published - from, from).map(options.publish))
  }
  let publishing = more()
  const soon = (): void => {
    publishing = publishing.then(more)
  }
  for (let from = 0; from < count; from += burst) received.at(from + 1 + Math.floor(random() * (burst - 1)), soon)
  let [due, cutSoFar] = [0, 0]
  for (let turn = 0; turn < cuts; turn += 1) {
    received.at(1 + Math.floor(((turn + random()) * count) / cuts), () => {
      due += 1
    })
  }
  const cutIfConnected = (): void => {
    if (due === 0 || options.connections() === cutSoFar) return
    due -= 1
    cutSoFar = options.connections()
    options.cut()
    soon()
  }
  for (const n of numbers(count, 1)) received.at(n, cutIfConnected)
  await received.until(count)
  await publishing
}

/** The WebSocket URL of the gateway through the proxy. */
export function socketUrl(proxy: TcpProxy): string {
  return `ws://127.0.0.1:${proxy.port}/graphql`
}

/** Queries a position, as a page does before it subscribes. */
export async function position(clientId: string, graphqlUrl: string): Promise<string> {
  const input = { clientId, name: clientId, email: 'somebody@example.com', password: 'correct horse battery' }
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query:
        'mutation M($input: CreateClientChannelInput!) { createClientChannel(input: $input) { channel { cursor } } }',
      variables: { input },
    }),
  })
  const { data } = (await response.json()) as { data: { createClientChannel: { channel: { cursor: string } } } }
  return data.createClientChannel.channel.cursor
}
