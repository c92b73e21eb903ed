import { GatewayError } from '../../errors.ts'
import { FairShares } from '../limits/fair-shares.ts'
import type { JournalMessage, Publication } from '../model/message.ts'
import type { Source } from '../model/source.ts'
import type { Broker } from '../ports/broker.ts'

export interface PublishGateParts {
  readonly broker: Broker
  readonly limits: { readonly publishTimeoutMs: number }
  /**
   * Waits until the journal has been up once, at most for `timeoutMs`. Resolves with whether it has
   * been up.
   */
  readonly firstUp: (timeoutMs: number) => Promise<boolean>
  /** The error for publications while the journal is unavailable. */
  readonly unavailable: () => GatewayError
}

/**
 * The most that publications may hold, in bytes, while they wait for the first connection to the
 * journal. Past it, publications are rejected at once.
 */
const maxWaitingBytes = 16 * 1024 * 1024
/** The weight of a waiting publication without its body, in bytes. */
const envelopeBytes = 512

/**
 * Lets publications through to the broker once the default source, and the sources served before
 * it, are bound. A confirmation before that would promise nothing, and a rejection would blame the
 * caller.
 */
export class PublishGate {
  /** The source that must be bound before the gate opens. `Gateway.open` sets it. */
  defaultSource: Source | undefined
  readonly #parts: PublishGateParts
  #open = false
  #opening: Promise<void> | undefined
  readonly #waiting = new FairShares(maxWaitingBytes)

  constructor(parts: PublishGateParts) {
    this.#parts = parts
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Bytes of publications that wait for the gate to open, or in `hold`. */
  get waitingBytes(): number {
    return this.#waiting.used
  }

  /**
   * As `Broker.publish`, but waits first until the gate is open. Rejects with `BROKER_UNAVAILABLE`
   * if there is no room to wait, or if the journal is not up in time.
   */
  publish(publication: Publication): Promise<JournalMessage | undefined> {
    const { broker } = this.#parts
    if (this.#open) return broker.publish(publication)
    return this.#waitUntilOpen(publication).then(() => broker.publish(publication))
  }

  /**
   * Binds the default source and opens the gate. The broker binds in the order of the calls, so the
   * sources served at start are bound by then. Concurrent callers share one attempt. Rejects as
   * `Broker.bind` does.
   */
  open(): Promise<void> {
    const bind = async (): Promise<void> => {
      if (this.defaultSource) await this.#parts.broker.bind(this.defaultSource).catch(rethrowForDefaultSource)
      this.#open = true
    }
    this.#opening ??= bind().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /**
   * Waits for `ready`, and counts the publication among those that wait meanwhile. Rejects with
   * `BROKER_UNAVAILABLE` if there is no room.
   */
  async hold({ body, payer }: Pick<Publication, 'body' | 'payer'>, ready: () => Promise<void>): Promise<void> {
    const weight = body.length + envelopeBytes
    if (!this.#waiting.hasRoom(payer, weight)) throw this.#parts.unavailable()
    this.#waiting.add(payer, weight)
    try {
      await ready()
    } finally {
      this.#waiting.add(payer, -weight)
    }
  }

  #waitUntilOpen(publication: Publication): Promise<void> {
    const { firstUp, limits, unavailable } = this.#parts
    return this.hold(publication, async () => {
      if (!(await firstUp(limits.publishTimeoutMs))) throw unavailable()
      await this.open()
    })
  }
}

function rethrowForDefaultSource(error: unknown): never {
  if (!(error instanceof GatewayError) || error.code !== 'SOURCE_CONFLICT') throw error
  const text = `the default source cannot be bound; remove the conflict, or set another WARREN_NAMESPACE: ${error.message}`
  throw new GatewayError('SOURCE_CONFLICT', text, { cause: error })
}
