import type { ClientChannel } from '../broker/client-channel.ts'
import type { ClientConnection } from '../broker/client-connection.ts'
import { bodyOf, type Intent, propertiesOf } from '../oracle/ground-truth.ts'
import type { World } from './world.ts'

/** What a publisher publishes, and where. */
export interface Letter {
  readonly exchange: string
  readonly routingKey: string
  readonly intent: Intent
  readonly bytes: number
}

/** How long it waits for a confirm before it publishes again, in milliseconds. */
const unansweredMs = 5_000
const reconnectMs = 300

/**
 * A publisher that knows RabbitMQ and not Warren, by the rules of `docs/guides/publishing.md`: one
 * confirm channel for the journal alone, replaced after a return or a missing confirm.
 */
export class BackEnd {
  readonly #world: World
  #connection: ClientConnection | undefined
  #channel: ClientChannel | undefined
  #opening: Promise<ClientChannel | undefined> | undefined

  constructor(world: World) {
    this.#world = world
  }

  /** Publishes once, and again until it is confirmed if copies are recognised. */
  async publish(letter: Letter): Promise<void> {
    const { intent } = letter
    for (;;) {
      const isStored = await this.#attempt(letter)
      if (isStored) intent.isConfirmed = true
      // The guide: again under a key, or to a buffered source under the same id.
      const mayRepeat = intent.key !== undefined || (intent.isBuffered && intent.hasId)
      if (isStored || !mayRepeat || this.#world.isOver) return
      await this.#world.wait(reconnectMs)
    }
  }

  publishUnreadable(exchange: string, routingKey: string): void {
    void this.#ready().then((channel) => {
      try {
        channel?.publish(
          exchange,
          routingKey,
          Buffer.from('{"number":-1}'),
          { unreadable: true, mandatory: true },
          () => undefined,
        )
      } catch {
        // The channel is closing; then there is one unreadable message less.
      }
    })
  }

  close(): void {
    this.#connection?.close().catch(() => undefined)
  }

  async #attempt({ exchange, routingKey, intent, bytes }: Letter): Promise<boolean> {
    const channel = await this.#ready()
    if (!channel) return false
    const { clock } = this.#world
    return new Promise((resolve) => {
      let returned = false
      const properties = propertiesOf(intent)
      const onReturn = (message: { properties: { messageId?: string } }): void => {
        if (message.properties.messageId === properties.messageId) returned = true
      }
      const finish = (isStored: boolean): void => {
        clock.clear(timer)
        channel.off('return', onReturn)
        if (!isStored) this.#replace(channel)
        resolve(isStored)
      }
      const timer = clock.at(unansweredMs, () => finish(false), 0)
      channel.on('return', onReturn)
      try {
        const options = { ...properties, mandatory: true }
        channel.publish(exchange, routingKey, bodyOf(intent, bytes), options, (error) =>
          finish(error === null && !returned),
        )
      } catch {
        finish(false)
      }
    })
  }

  #replace(channel: ClientChannel): void {
    if (this.#channel !== channel) return
    this.#channel = undefined
    try {
      channel.close().catch(() => undefined)
    } catch {
      // It is closed already.
    }
  }

  #ready(): Promise<ClientChannel | undefined> {
    if (this.#channel) return Promise.resolve(this.#channel)
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<ClientChannel | undefined> {
    const { rabbit, random } = this.#world
    try {
      this.#connection ??= await this.#connect(random.pick(rabbit.nodes).id)
      const channel = await this.#connection.createConfirmChannel()
      channel.setMaxListeners(0)
      channel.on('error', () => undefined)
      channel.on('close', () => {
        if (this.#channel === channel) this.#channel = undefined
      })
      this.#channel = channel
      return channel
    } catch {
      return undefined
    }
  }

  async #connect(node: number): Promise<ClientConnection> {
    const { rabbit, clock } = this.#world
    const cut = new AbortController()
    const timer = clock.at(3_000, () => cut.abort(), 0)
    try {
      const connection = await rabbit.connect(node, 'back end', cut.signal, undefined)
      connection.on('error', () => undefined)
      connection.on('close', () => {
        if (this.#connection === connection) this.#connection = undefined
        this.#channel = undefined
      })
      return connection
    } finally {
      clock.clear(timer)
    }
  }
}
