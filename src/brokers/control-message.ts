import { reviveTrace } from '../core/accounting/message-trace.ts'
import { reviveSource } from '../core/model/source.ts'
import type { Absence } from '../core/offline/absences.ts'
import type { ControlMessage, PositionMessage } from '../core/ports/control-bus.ts'

/**
 * Reads a control message from the wire. Returns undefined for a kind or shape that this version
 * does not know, because replicas of two versions run side by side during an update.
 */
export function readControlMessage(json: unknown): ControlMessage | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const {
    kind,
    source,
    clientId,
    at,
    question,
    messageId,
    trace: storedTrace,
    by,
    replica,
  } = json as Record<string, unknown>
  const sender = typeof replica === 'string' ? { replica } : {}
  if (kind === 'sources-wanted') return { kind, ...sender }
  const time = typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? at : undefined
  if (kind === 'client-deleted') {
    if (typeof clientId !== 'string') return undefined
    return { kind, clientId, by: typeof by === 'string' ? by : '', ...(time === undefined ? {} : { at: time }) }
  }
  if (kind === 'client-revoked')
    return typeof clientId === 'string' && time !== undefined ? { kind, clientId, at: time } : undefined
  if (kind === 'client-barred') return typeof clientId === 'string' ? { kind, clientId } : undefined
  if (kind === 'trace-wanted') {
    return typeof question === 'string' && typeof messageId === 'string' ? { kind, question, messageId } : undefined
  }
  if (kind === 'trace-known') {
    const trace = reviveTrace(storedTrace)
    return trace && typeof question === 'string' ? { kind, question, trace } : undefined
  }
  if (kind === 'replica-alive' || kind === 'replica-ended' || kind === 'asked' || kind === 'answered')
    return readClusterMessage(kind, json as Record<string, unknown>)
  if (kind === 'presence-wanted' || kind === 'presence-changed' || kind === 'presence-state')
    return readPresenceMessage(kind, json as Record<string, unknown>)
  if (kind === 'offline-known') return readOfflineMessage(json as Record<string, unknown>)
  if (kind === 'position-taken' || kind === 'position-returned' || kind === 'position-deleted')
    return readPositionMessage(kind, json as Record<string, unknown>)
  if (kind !== 'source-known') return undefined
  const revived = reviveSource(source)
  return revived && { kind, source: revived, ...sender }
}

type ClusterMessage = Extract<ControlMessage, { kind: 'replica-alive' | 'replica-ended' | 'asked' | 'answered' }>

function readClusterMessage(
  kind: ClusterMessage['kind'],
  { replica, version, startedAt, ask, question, topic, args, of, value }: Record<string, unknown>,
): ClusterMessage | undefined {
  if (kind === 'asked') {
    if (typeof question !== 'string' || typeof topic !== 'string') return undefined
    return { kind, question, topic, args, ...(typeof of === 'string' ? { of } : {}) }
  }
  if (typeof replica !== 'string') return undefined
  if (kind === 'answered') return typeof question === 'string' ? { kind, question, replica, value } : undefined
  if (typeof startedAt !== 'number') return undefined
  if (kind === 'replica-ended') return { kind, replica, startedAt }
  return { kind, replica, startedAt, version: typeof version === 'string' ? version : '', ask: ask === true }
}

type PresenceMessage = Extract<ControlMessage, { kind: 'presence-wanted' | 'presence-changed' | 'presence-state' }>

function readPresenceMessage(
  kind: PresenceMessage['kind'],
  { replica, of, startedAt, seq, joined, left, clients, first, last }: Record<string, unknown>,
): PresenceMessage | undefined {
  if (typeof replica !== 'string') return undefined
  if (kind === 'presence-wanted') return { kind, replica, of: typeof of === 'string' ? of : null }
  if (typeof startedAt !== 'number' || typeof seq !== 'number') return undefined
  if (kind === 'presence-changed') {
    return isTexts(joined) && isTexts(left) ? { kind, replica, startedAt, seq, joined, left } : undefined
  }
  if (!isTexts(clients)) return undefined
  return { kind, replica, startedAt, seq, clients, first: first === true, last: last === true }
}

function readOfflineMessage({
  replica,
  startedAt,
  ask,
  published,
  waiting,
}: Record<string, unknown>): ControlMessage | undefined {
  if (typeof replica !== 'string' || typeof startedAt !== 'number') return undefined
  if (!Array.isArray(published) || !Array.isArray(waiting)) return undefined
  return {
    kind: 'offline-known',
    replica,
    startedAt,
    ask: ask === true,
    published: published.filter(isPublished),
    waiting: waiting.filter(isAbsence),
  }
}

function isPublished(value: unknown): value is [clientId: string, agoMs: number] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
}

function isAbsence(value: unknown): value is Absence {
  if (typeof value !== 'object' || value === null) return false
  const { clientId, cursor, after, source, exchange, at } = value as Record<string, unknown>
  return isTexts([clientId, cursor, after, source, exchange]) && typeof at === 'number' && Number.isFinite(at)
}

function readPositionMessage(
  kind: PositionMessage['kind'],
  { clientId, name, holder, to }: Record<string, unknown>,
): PositionMessage | undefined {
  if (typeof clientId !== 'string' || typeof name !== 'string') return undefined
  if (kind === 'position-deleted') return { kind, clientId, name }
  if (typeof holder !== 'number') return undefined
  if (kind === 'position-taken') return { kind, clientId, name, holder }
  return typeof to === 'string' ? { kind, clientId, name, holder, to } : undefined
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
