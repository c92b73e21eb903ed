import { jest } from '@jest/globals'
import { DeliveryCounter } from '../../../src/core/accounting/delivery-counter.ts'
import { FieldCounter } from '../../../src/core/accounting/field-counter.ts'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import type { Cursor, CursorCodec } from '../../../src/core/model/cursor.ts'
import { anonymous, type Identity, noScope } from '../../../src/core/model/identity.ts'
import { overflowPolicies } from '../../../src/core/model/overflow-policy.ts'
import type { Observer } from '../../../src/core/ports/observer.ts'
import type { Session } from '../../../src/core/sessions/session.ts'
import { Sessions, type SessionsParts } from '../../../src/core/sessions/sessions.ts'

export const startedAt = 1_000_000
export const alice: Identity = { ...anonymous, clientId: 'alice' }
export const bob: Identity = { ...anonymous, clientId: 'bob' }
export const operator: Identity = { ...anonymous, scope: { ...noScope, operator: true } }
/** What the cursor `valid` means. */
export const position = { offset: 3 } as Cursor

export type Opening = Partial<Parameters<Sessions['open']>[0]>

/**
 * Sessions on fake timers, without a journal: `resumed` holds the subscriptions that would be
 * brought to the live end. All that they report is recorded.
 */
export class ObservedSessions {
  readonly observed: unknown[][] = []
  readonly logged: [level: string, text: string, details: Record<string, unknown> | undefined][] = []
  readonly resumed: ChannelSubscription[] = []
  readonly stopped: ChannelSubscription[] = []
  /** The reasons with which transports were closed. */
  readonly closed: unknown[] = []
  /** Clients that joined (`+alice`) and left (`-alice`). */
  readonly presence: string[] = []
  readonly limits: { -readonly [Name in keyof SessionsParts['limits']]: SessionsParts['limits'][Name] } = {
    maxSubscriptions: 3,
    maxSubscribeRate: 2,
    maxBufferedBytes: 100,
    overflow: overflowPolicies,
    anonymousIdleMs: 5_000,
    maxConnections: 4,
    maxConnectionsPerAddress: 2,
    maxConnectionsPerClient: 2,
    maxClientSubscriptions: 4,
  }
  readonly fieldCounter = new FieldCounter()
  /** What the sessions are asked before they open. */
  check: (identity: Identity) => void = () => {}
  hold: SessionsParts['positions']['hold'] = () => undefined
  onResume: (subscription: ChannelSubscription) => void = () => {}
  readonly sessions: Sessions

  constructor() {
    jest.useFakeTimers({ now: startedAt })
    const counter = new DeliveryCounter(() => {})
    const note =
      (name: string) =>
      (...args: unknown[]) =>
        void this.observed.push([name, ...args])
    this.sessions = new Sessions({
      positions: { hold: (...args) => this.hold(...args) },
      replayer: {
        resume: (subscription: ChannelSubscription) => {
          this.resumed.push(subscription)
          this.onResume(subscription)
        },
        stop: (subscription: ChannelSubscription) => this.stopped.push(subscription),
      },
      cursors: { parse: (text: string) => (text === 'valid' ? position : undefined) } as unknown as CursorCodec,
      observer: {
        log: (...line: Parameters<Observer['log']>) => this.logged.push([line[0], line[1], line[2]]),
        eventsOf: () => counter,
        fieldCounter: () => this.fieldCounter,
        sessionStarted: note('started'),
        sessionEnded: note('ended'),
        subscriptionStarted: note('subscribed'),
        subscriptionEnded: note('unsubscribed'),
        deliveryFailed: note('failed'),
      } as unknown as Observer,
      presence: {
        joined: (clientId) => this.presence.push(`+${clientId}`),
        left: (clientId) => this.presence.push(`-${clientId}`),
      },
      limits: this.limits,
      check: (identity) => this.check(identity),
    })
  }

  open(identity = alice, given: Opening = {}): Session {
    return this.sessions.open({ identity, transport: 'tcp', onClose: (reason) => this.closed.push(reason), ...given })
  }

  /** How often something of this name was observed. */
  count(name: string): number {
    return this.observed.filter(([what]) => what === name).length
  }

  close(): void {
    this.sessions.close()
    jest.useRealTimers()
  }
}

/** How subscriptions ended: undefined if not, `client` without an error, else the code. */
export async function endsOf(...subscriptions: readonly ChannelSubscription[]): Promise<(string | undefined)[]> {
  return Promise.all(
    subscriptions.map(async (subscription) => {
      if (!subscription.ended) return undefined
      return subscription.next().then(
        () => 'client',
        (error: { code: string }) => error.code,
      )
    }),
  )
}
