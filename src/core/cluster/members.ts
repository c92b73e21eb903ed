import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'

/** How often a replica announces itself, in milliseconds. */
export const announceMs = 2_000
/** After this long without a word a replica counts as gone, in milliseconds. */
export const leaseMs = 3 * announceMs
/** How long a replica that ended, or that is silent, is still listed, in milliseconds. */
const rememberedMs = 10 * 60_000
const maxRemembered = 1_000

/** A replica of the deployment, as this one knows it. */
export interface Member {
  readonly replica: string
  readonly version: string
  /** In milliseconds since the epoch. With the name, it identifies one life of a replica. */
  readonly startedAt: number
  /** When this replica last received anything from it, by its own clock, in milliseconds. */
  lastSeenAt: number
  /** When it announced its end. Undefined: it has not. */
  endedAt: number | undefined
}

export interface MembersParts {
  readonly replica: string
  readonly version: string
  readonly startedAt: number
  readonly control: ControlBus
  /** Called with each announcement of a replica that was unknown, gone, or has started again. */
  readonly onJoined: (member: Member) => void
  /** Called once for each replica with a lease that has ended, or that has announced its end. */
  readonly onLeft: (member: Member) => void
  /** Called each time this replica announces itself. */
  readonly onTick: () => void
}

/**
 * The replicas of the deployment. Each announces itself every two seconds; one that misses three
 * announcements is gone. Best effort: a replica that cannot reach the control bus looks gone to the
 * others, and they look gone to it.
 */
export class Members {
  readonly #parts: MembersParts
  readonly #others = new Map<string, Member>()
  /** Names of `#others` with a lease that has not ended. */
  readonly #alive = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  /** When an announcement of this replica came back to it last, in milliseconds. */
  #ownSeenAt = Number.NEGATIVE_INFINITY

  constructor(parts: MembersParts) {
    this.#parts = parts
  }

  open(): void {
    this.announce(true)
    this.#timer = setInterval(() => {
      this.#expire()
      this.announce(false)
      this.#parts.onTick()
    }, announceMs)
    this.#timer.unref()
  }

  /** Announces the end of this replica, best effort. */
  close(): void {
    clearInterval(this.#timer)
    const { control, replica, startedAt } = this.#parts
    void control.send({ kind: 'replica-ended', replica, startedAt }).catch(() => undefined)
  }

  /** `ask`: the others answer at once. */
  announce(ask: boolean): void {
    const { control, replica, version, startedAt } = this.#parts
    void control.send({ kind: 'replica-alive', replica, version, startedAt, ask }).catch(() => undefined)
  }

  /** The other replicas that are remembered, gone ones too, by name. */
  get others(): readonly Member[] {
    return [...this.#others.values()].toSorted((one, other) => (one.replica < other.replica ? -1 : 1))
  }

  /** Whether the replica's lease has not ended. */
  isAlive(replica: string): boolean {
    return replica === this.#parts.replica || this.#alive.has(replica)
  }

  /** The names of all replicas that are alive, this one too, sorted. */
  get alive(): string[] {
    return [this.#parts.replica, ...this.#alive].toSorted()
  }

  /**
   * Whether the control bus brings no messages: this replica's own announcements do not come back.
   * The other replicas then look gone, and may be alive.
   */
  get isCutOff(): boolean {
    return Date.now() - this.#ownSeenAt > leaseMs
  }

  /** A message of the replica arrived. */
  heardFrom(replica: string): void {
    const member = this.#others.get(replica)
    if (member) member.lastSeenAt = Date.now()
  }

  onControl(message: Extract<ControlMessage, { kind: 'replica-alive' | 'replica-ended' }>): void {
    const { replica, startedAt } = message
    if (replica === this.#parts.replica) {
      this.#ownSeenAt = Date.now()
      return
    }
    const known = this.#others.get(replica)
    if (message.kind === 'replica-ended') {
      // A replica that started again under the same name may have announced itself already.
      if (!known || known.startedAt !== startedAt) return
      known.endedAt = Date.now()
      this.#leave(known)
      return
    }
    if (message.ask) this.announce(false)
    if (known && known.startedAt === startedAt && this.#alive.has(replica)) {
      known.lastSeenAt = Date.now()
      return
    }
    // An announcement may arrive behind that of its end.
    if (known && known.startedAt === startedAt && known.endedAt !== undefined) return
    if (known) this.#leave(known)
    const { version } = message
    const member: Member = { replica, version, startedAt, lastSeenAt: Date.now(), endedAt: undefined }
    this.#others.set(replica, member)
    this.#alive.add(replica)
    this.#parts.onJoined(member)
  }

  #expire(): void {
    const now = Date.now()
    for (const member of this.#others.values()) {
      if (now - member.lastSeenAt > leaseMs) this.#leave(member)
      if (now - member.lastSeenAt > rememberedMs) this.#others.delete(member.replica)
    }
    for (const { replica } of this.#others.values()) {
      if (this.#others.size <= maxRemembered) break
      if (!this.#alive.has(replica)) this.#others.delete(replica)
    }
  }

  #leave(member: Member): void {
    if (this.#alive.delete(member.replica)) this.#parts.onLeft(member)
  }
}
