import type { InProcessGateway } from '../support/gateway/gateway-in-process.ts'
import type { TcpProxy } from '../support/network/tcp-proxy.ts'

/** Mulberry32: small, and the same everywhere. */
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

/** What somebody has heard so far, and who waits for it to be so much. */
export class Heard {
  readonly data: unknown[] = []
  /** By how much has been heard: what happens then, once. */
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

  /** Resolves when so much has been heard; rejects where the subscription has ended before. */
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
 * Publishes numbers in bursts as the listener hears them, cuts its connection at random points of
 * what it has heard, and goes on publishing while it is away. Resolves when the listener has heard
 * as many as were published.
 */
export async function chaos(options: {
  seed: number
  count: number
  cuts: number
  heard: Heard
  publish: (n: number) => Promise<void>
  cut: () => void
}): Promise<void> {
  const { seed, count, cuts, heard } = options
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
  for (let from = 0; from < count; from += burst) heard.at(from + 1 + Math.floor(random() * (burst - 1)), soon)
  for (let turn = 0; turn < cuts; turn += 1) {
    heard.at(1 + Math.floor(((turn + random()) * count) / cuts), () => {
      options.cut()
      soon()
    })
  }
  await heard.until(count)
  await publishing
}

/** Its connections, seen from the listener. */
export function socketUrl(proxy: TcpProxy): string {
  return `ws://127.0.0.1:${proxy.port}/graphql`
}

/** As a page does that loads before it subscribes. */
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
