import { errorText } from './model/error-text.ts'
import type { PublishGate } from './publishing/publish-gate.ts'

export interface ReadinessParts {
  /** Whether the journal is current. */
  readonly isJournalUp: () => boolean
  readonly publishGate: Pick<PublishGate, 'isOpen' | 'open'>
  /** See `GatewayParts.onState`. */
  readonly onState: (state: { up: boolean; reason?: string }) => void
}

/**
 * Whether the gateway is up: the journal is current and the default source is bound. Has that
 * source bound when the journal is up first, and reports each change.
 */
export class Readiness {
  readonly #parts: ReadinessParts

  constructor(parts: ReadinessParts) {
    this.#parts = parts
  }

  get up(): boolean {
    return this.#parts.isJournalUp() && this.#parts.publishGate.isOpen
  }

  onJournalUp(): void {
    if (this.#parts.publishGate.isOpen) this.#parts.onState({ up: true })
    else void this.#openPublishGate()
  }

  onJournalDown(reason: string): void {
    this.#parts.onState({ up: false, reason })
  }

  /** A mark was read: tries again what failed before. */
  onMark(): void {
    if (this.#parts.isJournalUp() && !this.#parts.publishGate.isOpen) void this.#openPublishGate()
  }

  /** Opens the publish gate by binding the default source. */
  async #openPublishGate(): Promise<void> {
    const { publishGate, isJournalUp, onState } = this.#parts
    try {
      await publishGate.open()
      if (isJournalUp()) onState({ up: true })
    } catch (error) {
      const reason = errorText(error)
      if (!isJournalUp()) return
      onState({ up: false, reason })
    }
  }
}
