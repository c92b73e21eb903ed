import { GatewayError } from '../../errors.ts'
import { FairShares } from '../limits/fair-shares.ts'
import type { JournalMessage, Publication } from '../model/message.ts'
import type { Source } from '../model/source.ts'
import type { Broker } from '../ports/broker.ts'

export interface PublishGateParts {
  readonly broker: Broker
  readonly limits: { readonly publishTimeoutMs: number }
  /** Resolves when the journal has been there, or the time is over: whether it has. */
  readonly firstUp: (timeoutMs: number) => Promise<boolean>
  /** What a publication is refused with while the journal is away. */
  readonly unavailable: () => GatewayError
}

/**
 * What publications may hold that wait for the journal to be there for the first time; past it they
 * are refused at once.
 */
const maxWaitingBytes = 16 * 1024 * 1024
/** What one of them weighs beside its body. */
const envelopeBytes = 512

/**
 * The way of publications into the journal. It is open once the default source is bound, and with
 * it those that were served before: until then a confirmation would promise nothing, and a refusal
 * would blame the caller.
 */
export class PublishGate {
  /** What it waits for to be bound. */
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

  /** Bytes of publications that wait for it to open. */
  get waitingBytes(): number {
    return this.#waiting.used
  }

  /** As `Broker.publish`. */
  publish(publication: Publication): Promise<JournalMessage | undefined> {
    const { broker } = this.#parts
    if (this.#open) return broker.publish(publication)
    return this.#waitUntilOpen(publication).then(() => broker.publish(publication))
  }

  /**
   * The broker binds in the order of the calls: when this one has been served, those of the start
   * have been. One for all who wait.
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

  async #waitUntilOpen({ body, payer }: Publication): Promise<void> {
    const { firstUp, limits, unavailable } = this.#parts
    const weight = body.length + envelopeBytes
    if (!this.#waiting.hasRoom(payer, weight)) throw unavailable()
    this.#waiting.add(payer, weight)
    try {
      if (!(await firstUp(limits.publishTimeoutMs))) throw unavailable()
      await this.open()
    } finally {
      this.#waiting.add(payer, -weight)
    }
  }
}

function rethrowForDefaultSource(error: unknown): never {
  if (!(error instanceof GatewayError) || error.code !== 'SOURCE_CONFLICT') throw error
  const text = `the default source cannot be served; mend what is in its place, or set another WARREN_NAMESPACE: ${error.message}`
  throw new GatewayError('SOURCE_CONFLICT', text, { cause: error })
}
