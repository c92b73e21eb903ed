import type { BrokerState } from '../driver.ts'
import type { ConnectionWatch } from './connection/reconnecting-connection.ts'
import { interrupted } from './interruptions.ts'
import { notYet, PartReadiness } from './part-readiness.ts'

type Part = 'publishing' | 'administration' | 'control' | 'room'

const purposeOf = { control: 'control', room: 'fanouts' } as const

/**
 * How long each part may be interrupted, after it was up, before the gateway becomes unready, in
 * milliseconds. During that time publishes wait in the gateway. Without the other parts the gateway
 * still delivers and publishes: bindings stay in RabbitMQ, and a control message only hints that
 * the registry has changed. They may be down for as long as RabbitMQ needs to notice a frozen node
 * of its cluster (net_ticktime, 60 s), because until then no node declares a queue.
 */
const partPatience: Readonly<Record<Part, number>> = {
  publishing: 2_000,
  administration: 120_000,
  control: 120_000,
  room: 120_000,
}
/**
 * How long after publishing works again unbound sources keep the gateway unready, in milliseconds.
 * While a node is frozen, RabbitMQ 3.10 does not bind anything.
 */
const bindingMs = 5_000

/** Combines the readiness of the parts of a gateway into the state of its broker. */
export class GatewayReadiness {
  readonly #listeners: ((state: BrokerState) => void)[] = []
  /** Parts that are in use. Reasons are reported in this order. */
  readonly #parts: Record<Part, PartReadiness | undefined> = {
    publishing: undefined,
    administration: undefined,
    control: undefined,
    room: undefined,
  }
  #state: BrokerState = { up: false, reason: notYet }

  get state(): BrokerState {
    return this.#state
  }

  onState(listener: (state: BrokerState) => void): void {
    this.#listeners.push(listener)
  }

  /** Returns what the connection of this part calls. From now on the part is in use. */
  watch(part: Part): ConnectionWatch {
    const readiness = new PartReadiness(partPatience[part], () => this.#change())
    this.#parts[part] = readiness
    const down = (reason: string): void => readiness.down(reason)
    return {
      onUp: () => {
        // Until its source is declared again, a publish to it would be refused.
        if (part === 'publishing') this.#parts.administration?.awaited(bindingMs)
        readiness.up()
      },
      onDown: down,
      // The outage continues, possibly for another reason.
      onRetry: down,
      ...(part === 'publishing' && {
        onBlocked: (reason) => (reason === undefined ? readiness.up() : readiness.refused(reason)),
      }),
    }
  }

  /** Called when all connections are closed. */
  close(): void {
    for (const readiness of Object.values(this.#parts)) readiness?.close()
  }

  #change(): void {
    const reasons = Object.entries(this.#parts).flatMap(([part, readiness]) => {
      const reason = readiness?.reason
      if (reason === undefined) return []
      const what = part === 'control' || part === 'room' ? `${interrupted[purposeOf[part]]}: ` : ''
      return [reason === notYet ? reason : `${what}${reason}`]
    })
    // A part that is not connected yet is a weaker reason than a refusal of another part.
    const why = reasons.find((reason) => reason !== notYet) ?? reasons[0]
    const { up } = this.#state
    if (why === undefined ? up : !up && this.#state.reason === why) return
    this.#state = why === undefined ? { up: true } : { up: false, reason: why }
    for (const listener of this.#listeners) listener(this.#state)
  }
}
