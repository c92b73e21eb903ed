import { expect } from '@jest/globals'
import amqp, { type Channel } from 'amqplib'
import { type LedgerEvent, settle } from '../ledger/accounts.ts'
import { CarefulPublisher } from '../ledger/careful-publisher.ts'
import { pause } from '../ledger/pause.ts'
import { eventually } from '../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'

/**
 * The gateway's promise, in milliseconds: how soon delivery continues after the broker is back, and
 * how soon readiness fails after a fault shows.
 */
export const promised = { back: 5_000, unready: 2_000 }
/** The tests share two cores with others, so the limits are larger by this factor. */
const inHand = 3

const channelQuery = `subscription ($after: Cursor) {
  channel(clientId: "alice", after: $after) { kind cursor data gap { reason } }
}`
const paceMs = 40
const probeMs = 20

interface Event {
  readonly kind: string
  readonly cursor: string
  readonly data: { readonly number: number } | null
  readonly gap: { readonly reason: string } | null
}

/**
 * A connected client, and a careful back end that publishes numbers straight to the broker, while a
 * test breaks things between the gateway and its broker. At the end every confirmed number is
 * accounted for.
 */
export class Scene {
  readonly gateway: GatewayProcess
  readonly client: GraphqlClient
  readonly publisher: CarefulPublisher
  readonly events: LedgerEvent[] = []
  /** The cursor of the last event. */
  cursor = ''
  readonly #brokerUrls: readonly string[]
  readonly #confirmed: number[] = []
  readonly #probes: { readonly at: number; readonly ready: boolean; readonly alive: boolean }[] = []
  #number = 0
  #running = true
  #closed: string | undefined
  #work: Promise<unknown> = Promise.resolve()

  constructor(gateway: GatewayProcess, client: GraphqlClient, brokerUrls: readonly string[]) {
    this.gateway = gateway
    this.client = client
    this.#brokerUrls = brokerUrls
    this.publisher = new CarefulPublisher(brokerUrls)
    void client.closed.then(({ code, reason }) => {
      this.#closed = `${code} ${reason}`
    })
  }

  /** `env` has the broker's URL for the gateway, `brokerUrls` the nodes for the back end. */
  static async open(env: Readonly<Record<string, string>>, ...brokerUrls: readonly string[]): Promise<Scene> {
    const gateway = await startGateway({ env })
    try {
      const token = await testToken({ sub: 'alice' })
      const client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
      const scene = new Scene(gateway, client, brokerUrls)
      await scene.#begin()
      return scene
    } catch (error) {
      await gateway[Symbol.asyncDispose]()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const operation = this.client.subscribe(channelQuery)
    const listen = async (): Promise<void> => {
      for (;;) this.#take((await operation.next(24 * 3_600_000)).data?.['channel'] as Event)
    }
    void listen().catch(() => {})
    // Without a cursor, live delivery begins when the subscription is open. The first received
    // number shows that.
    await eventually('the subscription to be open', async () => {
      await this.#publishNext()
      return this.events.length > 0
    })
    this.events.length = 0
    this.#confirmed.length = 0
    this.#work = Promise.all([this.#produce(), this.#probe()])
  }

  /** Runs the work on a channel of the broker itself, to break something. */
  async onBroker(work: (channel: Channel) => Promise<unknown>): Promise<void> {
    const connection = await amqp.connect(this.#brokerUrls[0] ?? '')
    connection.on('error', () => {})
    await work(await connection.createChannel())
    await connection.close().catch(() => {})
  }

  /**
   * Waits for a failed readiness after `from`, and checks the promised time. Resolves to the
   * milliseconds since `shown`.
   */
  async unready(from: number, shown: number): Promise<number> {
    const no = () => this.#probes.find(({ at, ready }) => at >= from && !ready)
    const { at } = await eventually('a failed readiness', no, { withinMs: promised.unready * inHand + 10_000 })
    expect(at - shown).toBeLessThan(promised.unready * inHand)
    return at - shown
  }

  /** Waits until readiness fails with this reason. */
  async reason(pattern: RegExp): Promise<void> {
    const matchesReason = async (): Promise<boolean> => {
      const response = await fetch(`http://127.0.0.1:${this.gateway.opsPort}/readyz`)
      return pattern.test(await response.text())
    }
    await eventually(`readiness to fail with ${String(pattern)}`, matchesReason)
  }

  /**
   * Waits until the gateway is ready and new messages arrive. Checks the promised time, and
   * resolves to the milliseconds since `moment`.
   */
  async back(moment: number): Promise<number> {
    await this.gateway.ready()
    const number = this.#number + 1
    const came = () => this.events.some((one) => one.kind === 'event' && one.number >= number)
    await eventually(`number ${number}`, came)
    const took = Date.now() - moment
    expect(took).toBeLessThan(promised.back * inHand)
    return took
  }

  /** Waits until `numbers` numbers are confirmed and not yet received. */
  async behind(numbers: number): Promise<void> {
    const last = () => this.events.findLast((one) => one.kind === 'event')?.number ?? 0
    await eventually(`the client to be ${numbers} behind`, () => (this.#confirmed.at(-1) ?? 0) - last() >= numbers)
  }

  get gaps(): string[] {
    return this.events.flatMap((one) => (one.kind === 'gap' ? [one.reason] : []))
  }

  /**
   * Checks that every confirmed number arrived once and in order or is inside a gap, that the
   * socket stayed open, and that the process was live throughout.
   */
  async account(): Promise<void> {
    const confirmed = [...this.#confirmed]
    const last = confirmed.at(-1) ?? 0
    const came = () => this.events.some((one) => one.kind === 'event' && one.number >= last)
    await eventually(`number ${last}`, came)
    const balance = settle({ client: 'alice', confirmed, events: this.events }, this.#number)
    expect(balance).toMatchObject({ lost: [], doubled: [], misordered: [], invented: [] })
    if (this.gaps.length === 0) expect(balance.inGaps).toBe(0)
    expect(this.#closed).toBeUndefined()
    expect(this.#probes.filter(({ alive }) => !alive)).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false
    await this.publisher.close()
    await this.#work.catch(() => {})
    await this.client[Symbol.asyncDispose]()
    await this.gateway[Symbol.asyncDispose]()
  }

  #take(event: Event): void {
    this.cursor = event.cursor
    if (event.kind === 'GAP') this.events.push({ kind: 'gap', reason: event.gap?.reason ?? 'none' })
    else if (event.kind === 'MESSAGE') this.events.push({ kind: 'event', number: event.data?.number ?? -1 })
  }

  async #produce(): Promise<void> {
    while (this.#running) {
      await this.#publishNext()
      await pause(paceMs)
    }
  }

  async #publishNext(): Promise<void> {
    this.#number += 1
    const number = this.#number
    await this.publisher.publish({
      exchange: 'warren.events',
      routingKey: 'client.alice',
      body: Buffer.from(JSON.stringify({ number })),
      messageId: `alice-${number}`,
    })
    this.#confirmed.push(number)
  }

  async #probe(): Promise<void> {
    const answers = (path: string): Promise<boolean> =>
      fetch(`http://127.0.0.1:${this.gateway.opsPort}${path}`).then(
        async (response) => {
          await response.arrayBuffer()
          return response.ok
        },
        () => false,
      )
    while (this.#running) {
      const at = Date.now()
      const [ready, alive] = await Promise.all([answers('/readyz'), answers('/livez')])
      this.#probes.push({ at, ready, alive })
      await pause(probeMs)
    }
  }
}
