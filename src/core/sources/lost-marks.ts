import { GatewayError } from '../../errors.ts'
import { within } from '../timing/deadline.ts'
import { pause } from '../timing/pause.ts'

/** How long a new journal waits for the registry at most, in milliseconds. */
const registryMs = 2_000
/** The pause before the registry is read again after a failure, in milliseconds. */
const registryRetryMs = 1_000

export interface LostMarksParts {
  /** As `SourceSync.resync`. */
  readonly readSources: () => Promise<boolean>
  /** As `JournalListener.onSourceFoundLate`. */
  readonly onSourceFoundLate: () => void
  readonly logError: (what: string, error: unknown) => void
}

/**
 * Marks in the journal announce sources. The tail may have missed some, because retention deleted
 * them, or because the journal is new to this replica. Then the registry has what they announced.
 */
export class LostMarks {
  readonly #parts: LostMarksParts
  readonly #closing = new AbortController()
  #reads = 0

  constructor(parts: LostMarksParts) {
    this.#parts = parts
  }

  /**
   * The tail waits for it, but not for long: if a source is found later, subscriptions get a gap
   * for its messages that came meanwhile. Never rejects.
   */
  async read(): Promise<void> {
    this.#reads += 1
    let isLate = false
    const reading = this.#readUntilAnswered().then((hasNews) => {
      this.#reads -= 1
      if (hasNews && isLate) this.#parts.onSourceFoundLate()
    })
    await within(registryMs, reading)
    isLate = true
  }

  /** Throws `REGISTRY_UNAVAILABLE` while this replica may not know a source. */
  requireNone(): void {
    if (this.#reads > 0)
      throw new GatewayError('REGISTRY_UNAVAILABLE', 'the registry does not answer, so not every source is known here')
  }

  close(): void {
    this.#closing.abort()
  }

  /** Resolves with whether the registry has a source that this replica did not serve. */
  async #readUntilAnswered(): Promise<boolean> {
    for (let logged = false; !this.#closing.signal.aborted; logged = true) {
      try {
        return await this.#parts.readSources()
      } catch (error) {
        if (!logged) this.#parts.logError('reading the sources again', error)
        await pause(registryRetryMs, this.#closing.signal)
      }
    }
    return false
  }
}
