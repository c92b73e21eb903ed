import type { ClientConnection } from './client-connection.ts'
import type { Direction } from './link.ts'
import type { BrokerNode, SimulatedRabbit } from './rabbit.ts'
import type { ServerChannel } from './server-channel.ts'

/** RabbitMQ's side of a connection. */
export class ServerConnection {
  readonly rabbit: SimulatedRabbit
  readonly node: BrokerNode
  /** The replica that opened it; 0 for the world. */
  readonly owner: number
  readonly name: string
  readonly up: Direction
  readonly down: Direction
  readonly channels = new Set<ServerChannel>()
  isOpen = true
  #client: ClientConnection | undefined
  #hasPublished = false
  #isBlocked = false

  constructor(
    rabbit: SimulatedRabbit,
    node: BrokerNode,
    parts: { owner: number; name: string; up: Direction; down: Direction },
  ) {
    this.rabbit = rabbit
    this.node = node
    this.owner = parts.owner
    this.name = parts.name
    this.up = parts.up
    this.down = parts.down
  }

  attach(client: ClientConnection): void {
    this.#client = client
  }

  get client(): ClientConnection | undefined {
    return this.#client
  }

  /** An alarm freezes a connection that has ever published, as a whole. */
  published(): void {
    this.#hasPublished = true
    this.applyAlarm(this.rabbit.hasAlarm)
  }

  applyAlarm(alarm: boolean): void {
    const blocked = alarm && this.#hasPublished
    if (blocked === this.#isBlocked || !this.isOpen) return
    this.#isBlocked = blocked
    if (blocked) this.up.hold()
    else this.up.release()
    this.down.send(() => {
      if (blocked) this.#client?.emit('blocked', 'low on memory')
      else this.#client?.emit('unblocked')
    })
  }

  /** RabbitMQ forgets the connection. `error`: what the client receives; undefined: nothing. */
  end(error: Error | undefined): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const channel of this.channels) channel.close()
    this.rabbit.forget(this)
    this.up.close()
    if (error) this.down.send(() => this.#client?.lost(error))
    else this.down.close()
  }
}
