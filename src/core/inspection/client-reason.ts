import type { SourceReason, TracedMessage } from '../accounting/replica-trace.ts'
import { forTypedFields } from '../sources/match-reason.ts'

/** Whether a message is for a client, and why. */
export interface ClientReason {
  readonly isFor: boolean
  /** A sentence without a full stop. */
  readonly reason: string
}

/** Undefined: more clients have it than the trace names, and this one is not among those. */
export function reasonForClient(
  message: Pick<TracedMessage, 'clients' | 'clientCount' | 'sourceReasons'>,
  clientId: string,
  nameOf: (source: string) => string,
): ClientReason | undefined {
  const { clients, clientCount, sourceReasons } = message
  const named = ({ source, reason }: SourceReason): string => `${reason} (${nameOf(source)})`
  if (clientCount === null || clients.includes(clientId)) {
    const finding = sourceReasons.find((one) => one.everyone || one.clients.includes(clientId))
    return { isFor: true, reason: finding ? named(finding) : 'a source finds it' }
  }
  return clientCount > clients.length ? undefined : { isFor: false, reason: whyNot(message, named) }
}

/** For a client that is not among the clients of the message. */
export function whyNot(
  { sourceReasons }: Pick<TracedMessage, 'sourceReasons'>,
  named: (reason: SourceReason) => string,
): string {
  if (sourceReasons.length === 0) return 'no source has its exchange'
  const others = (found: SourceReason): string => {
    const shown = found.clients.slice(0, 3).join(', ')
    return `it is for ${found.clients.length > 3 ? `${shown} and others` : shown}: ${named(found)}`
  }
  // Sources of typed fields seek no client.
  const seeking = sourceReasons.filter(({ reason }) => reason !== forTypedFields)
  return (seeking.length > 0 ? seeking : sourceReasons)
    .map((one) => (one.matched ? others(one) : named(one)))
    .join('; ')
}
