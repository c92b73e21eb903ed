import { reviveTrace } from '../core/accounting/message-trace.ts'
import { reviveSource } from '../core/model/source.ts'
import type { ControlMessage } from '../core/ports/control-bus.ts'

/**
 * Reads a control message from the wire. Returns undefined for a kind or shape that this version
 * does not know, because replicas of two versions run side by side during an update.
 */
export function readControlMessage(json: unknown): ControlMessage | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { kind, source, clientId, at, question, messageId, trace: storedTrace, by } = json as Record<string, unknown>
  if (kind === 'sources-wanted') return { kind }
  if (kind === 'client-deleted')
    return typeof clientId === 'string' ? { kind, clientId, by: typeof by === 'string' ? by : '' } : undefined
  if (kind === 'client-revoked') {
    const isValid = typeof clientId === 'string' && typeof at === 'string' && !Number.isNaN(Date.parse(at))
    return isValid ? { kind, clientId, at } : undefined
  }
  if (kind === 'client-barred') return typeof clientId === 'string' ? { kind, clientId } : undefined
  if (kind === 'trace-wanted') {
    return typeof question === 'string' && typeof messageId === 'string' ? { kind, question, messageId } : undefined
  }
  if (kind === 'trace-known') {
    const trace = reviveTrace(storedTrace)
    return trace && typeof question === 'string' ? { kind, question, trace } : undefined
  }
  if (kind !== 'source-known') return undefined
  const revived = reviveSource(source)
  return revived && { kind, source: revived }
}
