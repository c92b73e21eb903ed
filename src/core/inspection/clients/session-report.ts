import { listOf, numberOf, numberOrNull, objectOf, textOf, textOrNull, textsOf } from '../../cluster/wire-values.ts'
import type { ChannelSubscription } from '../../delivery/channel-subscription.ts'
import type { ChannelEvent } from '../../model/channel-event.ts'
import { printCursor } from '../../model/cursor.ts'
import { printScope } from '../../model/identity.ts'
import type { Session } from '../../sessions/session.ts'

/** How many subscriptions of a session are reported; `subscriptionCount` counts all. */
const maxSubscriptions = 100
const maxScopeWords = 100

/** A session as operators see it. Times are in milliseconds since the epoch. */
export interface SessionReport {
  /** For `disconnect`. */
  readonly id: string
  readonly clientId: string | null
  readonly transport: string
  readonly address: string
  readonly since: number
  readonly expiresAt: number | null
  readonly scope: readonly string[]
  readonly queuedBytes: number
  readonly pending: number
  readonly delivered: number
  readonly dropped: number
  readonly slow: boolean
  readonly subscriptions: readonly SubscriptionReport[]
  readonly subscriptionCount: number
}

export interface SubscriptionReport {
  /** `channel`, or the name of the typed field. */
  readonly field: string
  readonly topic: string
  readonly since: number
  readonly overflow: string
  /** Of the event that the client took last; null: none yet. */
  readonly cursor: string | null
  readonly offset: number | null
  /** How long ago the oldest event that the client has not taken was received. */
  readonly lagMs: number
  readonly pending: number
  readonly queuedBytes: number
  readonly delivered: number
  readonly dropped: number
  readonly slow: boolean
}

export function reportSession(session: Session): SessionReport {
  const { id, identity, transport, address, since, bufferedBytes, slow, subscriptions: subscriptionCount } = session
  const subscriptions: SubscriptionReport[] = []
  let pending = 0
  for (const subscription of session.openSubscriptions) {
    pending += subscription.queued.length
    if (subscriptions.length < maxSubscriptions) subscriptions.push(reportSubscription(subscription))
  }
  return {
    id,
    clientId: identity.clientId ?? null,
    transport,
    address,
    since,
    expiresAt: identity.expiresAt?.getTime() ?? null,
    scope: printScope(identity.scope).slice(0, maxScopeWords),
    queuedBytes: bufferedBytes,
    pending,
    ...session.counts,
    slow,
    subscriptions,
    subscriptionCount,
  }
}

function reportSubscription(subscription: ChannelSubscription): SubscriptionReport {
  const { topic, channel, beganAt, overflow, lastTaken, queued, delivered, dropped, behind } = subscription
  return {
    field: topic.kind === 'channel' ? 'channel' : topic.field,
    topic: channel,
    since: beganAt,
    overflow,
    cursor: lastTaken ? printCursor(lastTaken.cursor) : null,
    offset: lastTaken ? lastTaken.cursor.offset : null,
    lagMs: lagOf(subscription),
    pending: queued.length,
    queuedBytes: queued.reduce((sum, event) => sum + (event.kind === 'MESSAGE' ? event.message.body.length : 0), 0),
    delivered,
    dropped,
    slow: behind || queued.length > 0,
  }
}

/** 0 if nothing waits for the client. */
export function lagOf({ queued, behind, lastTaken, beganAt }: ChannelSubscription): number {
  const [oldest] = queued
  const since = oldest ? receivedAtOf(oldest) : behind ? lastTaken?.receivedAt : Number.POSITIVE_INFINITY
  return Math.max(0, Date.now() - (since ?? beganAt))
}

function receivedAtOf(event: ChannelEvent): number {
  return event.kind === 'MESSAGE' ? event.message.receivedAt : event.receivedAt
}

/** Reads a report from another replica. Returns undefined if its form is wrong. */
export function readSessionReport(value: unknown): SessionReport | undefined {
  const report = objectOf(value)
  if (typeof report['id'] !== 'string') return undefined
  return {
    id: report['id'],
    clientId: textOrNull(report['clientId']),
    transport: textOf(report['transport']),
    address: textOf(report['address']),
    since: numberOf(report['since']),
    expiresAt: numberOrNull(report['expiresAt']),
    scope: textsOf(report['scope'], maxScopeWords),
    queuedBytes: numberOf(report['queuedBytes']),
    pending: numberOf(report['pending']),
    delivered: numberOf(report['delivered']),
    dropped: numberOf(report['dropped']),
    slow: report['slow'] === true,
    subscriptions: listOf(report['subscriptions'], maxSubscriptions).map(readSubscription),
    subscriptionCount: numberOf(report['subscriptionCount']),
  }
}

function readSubscription(value: unknown): SubscriptionReport {
  const report = objectOf(value)
  return {
    field: textOf(report['field']),
    topic: textOf(report['topic']),
    since: numberOf(report['since']),
    overflow: textOf(report['overflow']),
    cursor: textOrNull(report['cursor']),
    offset: numberOrNull(report['offset']),
    lagMs: numberOf(report['lagMs']),
    pending: numberOf(report['pending']),
    queuedBytes: numberOf(report['queuedBytes']),
    delivered: numberOf(report['delivered']),
    dropped: numberOf(report['dropped']),
    slow: report['slow'] === true,
  }
}
