/** What came over a subscription, or ended it. */
export interface LoggedEvent {
  /** Counts from 1 since the subscription began. */
  readonly number: number
  readonly kind: 'event' | 'errors' | 'end' | 'failure'
  readonly at: Date
  /** Milliseconds since the one before. */
  readonly sinceLast: number | undefined
  /** JSON, or a sentence. */
  readonly text: string
}

export interface LogState {
  /** Newest first. */
  readonly events: readonly LoggedEvent[]
  /** How many came, the forgotten ones included. */
  readonly total: number
  /** How many were forgotten to stay within the bounds. */
  readonly forgotten: number
  readonly open: boolean
}

/** What the page keeps of one subscription. */
const bounds = { events: 1_000, characters: 8 * 1024 * 1024 }
/** At most four updates a second, in milliseconds. */
const updateMs = 250

/** The events of the last subscription. Listeners are called at most four times a second. */
export class EventLog {
  readonly #listeners = new Set<() => void>()
  #state: LogState | undefined
  #events: LoggedEvent[] = []
  #characters = 0
  #total = 0
  #forgotten = 0
  #open = false
  #lastAt: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #onHidden: (() => void) | undefined

  listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Undefined: the last operation was no subscription. */
  state = (): LogState | undefined => this.#state

  begin(): void {
    this.#onHidden?.()
    this.#onHidden = undefined
    this.#open = true
    this.clear()
  }

  add(kind: LoggedEvent['kind'], text: string): void {
    if (!this.#open) return
    const at = new Date()
    const sinceLast = this.#lastAt === undefined ? undefined : at.getTime() - this.#lastAt
    this.#lastAt = at.getTime()
    this.#total += 1
    this.#events.push({ number: this.#total, kind, at, sinceLast, text })
    this.#characters += text.length
    while (this.#events.length > bounds.events || (this.#characters > bounds.characters && this.#events.length > 1)) {
      this.#characters -= this.#events.shift()?.text.length ?? 0
      this.#forgotten += 1
    }
    if (kind === 'end' || kind === 'failure') {
      this.#open = false
      this.#show()
    } else this.#timer ??= setTimeout(() => this.#show(), updateMs)
  }

  /** Forgets the events. The subscription goes on. */
  clear(): void {
    this.#events = []
    this.#characters = 0
    this.#total = 0
    this.#forgotten = 0
    this.#lastAt = undefined
    this.#show()
  }

  /** Called once when the log begins again or is hidden, to end the subscription. */
  whenHidden(listener: () => void): void {
    this.#onHidden = listener
  }

  /** Another operation takes its place, or the view is left. */
  hide(): void {
    this.#onHidden?.()
    this.#onHidden = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#open = false
    this.#state = undefined
    for (const listener of this.#listeners) listener()
  }

  #show(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#state = {
      events: this.#events.toReversed(),
      total: this.#total,
      forgotten: this.#forgotten,
      open: this.#open,
    }
    for (const listener of this.#listeners) listener()
  }
}
