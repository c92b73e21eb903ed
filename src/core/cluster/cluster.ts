import { errorText } from '../model/error-text.ts'
import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'
import type { Observer } from '../ports/observer.ts'
import { Gathering } from './gathering.ts'
import { type Member, Members } from './members.ts'

export interface ClusterParts {
  /** The id of this replica, as in `GatewayParts`. */
  readonly replica: string
  readonly version: string
  readonly control: ControlBus
  readonly log: Observer['log']
}

export type PresenceMessage = Extract<
  ControlMessage,
  { kind: 'presence-wanted' | 'presence-changed' | 'presence-state' }
>
export type OfflineMessage = Extract<ControlMessage, { kind: 'offline-known' }>
export type ClusterMessage =
  | PresenceMessage
  | OfflineMessage
  | Extract<ControlMessage, { kind: 'replica-alive' | 'replica-ended' | 'asked' | 'answered' }>

/** Called when replicas come and go. */
export interface MembershipListener {
  readonly onJoined?: (member: Member) => void
  readonly onLeft?: (member: Member) => void
  readonly onTick?: () => void
  readonly onResync?: () => void
  readonly onPresence?: (message: PresenceMessage) => void
  readonly onOffline?: (message: OfflineMessage) => void
}

/** The replicas of the deployment, and questions to all of them. */
export class Cluster {
  /** In milliseconds since the epoch. */
  readonly startedAt = Date.now()
  readonly replica: string
  readonly version: string
  readonly members: Members
  readonly gathering: Gathering
  readonly #listeners: MembershipListener[] = []

  constructor({ replica, version, control, log }: ClusterParts) {
    this.replica = replica
    this.version = version
    this.members = new Members({
      replica,
      version,
      startedAt: this.startedAt,
      control,
      onJoined: (member) => {
        for (const listener of this.#listeners) listener.onJoined?.(member)
      },
      onLeft: (member) => {
        for (const listener of this.#listeners) listener.onLeft?.(member)
      },
      onTick: () => {
        for (const listener of this.#listeners) listener.onTick?.()
      },
    })
    this.gathering = new Gathering({
      replica,
      control,
      members: this.members,
      logError: (what, error) => log('warn', `${what} failed: ${errorText(error)}`),
    })
  }

  listen(listener: MembershipListener): void {
    this.#listeners.push(listener)
  }

  /** Called when the gateway has begun to listen to the control bus. */
  open(): void {
    this.members.open()
  }

  close(): void {
    this.members.close()
  }

  /** The control bus is connected again: the other replicas may have missed this one. */
  onResync(): void {
    this.members.announce(true)
    for (const listener of this.#listeners) listener.onResync?.()
  }

  async onControl(message: ClusterMessage): Promise<void> {
    switch (message.kind) {
      case 'replica-alive':
      case 'replica-ended':
        this.members.onControl(message)
        return
      case 'asked':
      case 'answered':
        await this.gathering.onControl(message)
        return
      case 'offline-known':
        for (const listener of this.#listeners) listener.onOffline?.(message)
        return
      default:
        for (const listener of this.#listeners) listener.onPresence?.(message)
    }
  }
}
