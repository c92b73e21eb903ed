import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { CommandFailure } from '../failure.ts'
import { asksGateway, callGateway } from '../operator/operator-call.ts'
import { printable } from '../printable.ts'

interface Traced {
  readonly exchange: string
  readonly routingKey: string
  readonly receivedAt: string
  readonly outcome:
    | 'DELIVERED'
    | 'NO_SUBSCRIBER'
    | 'UNMATCHED'
    | 'REPEATED'
    | 'QUARANTINED'
    | 'FILTERED'
    | 'INVALID'
    | null
  readonly reason: string | null
  readonly sources: readonly string[]
  readonly clients: readonly string[]
  readonly clientCount: number | null
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
  readonly fields: readonly TracedField[]
}

interface TracedField {
  readonly field: string
  readonly outcome: 'MATCHED' | 'NOT_MATCHED' | 'FILTERED' | 'INVALID' | 'UNUSED'
  readonly detail: string | null
}

interface Replica {
  readonly replica: string
  readonly since: string | null
  readonly messages: readonly Traced[]
}

const query = `query Trace($messageId: ID!) {
  trace(messageId: $messageId) {
    replica since
    messages { exchange routingKey receivedAt outcome reason sources clients clientCount matched delivered dropped
      fields { field outcome detail } }
  }
}`

export function traceCommand(): Command {
  const command = new Command('trace')
    .description(
      'shows what each replica did with a recent message: its source, its clients, and the subscriptions that received it, or why none did',
    )
    .argument('<message id>', 'the message id that publishers and subscribers see')
  return asksGateway(command).action(async (messageId: string, given: { readonly json?: true }) => {
    const { trace } = await callGateway<{ trace: readonly Replica[] }>(command, query, { messageId })
    process.stdout.write(given.json ? `${visibleJson(trace, 2)}\n` : trace.map(describe).join(''))
    if (trace.every(({ messages }) => messages.length === 0)) {
      throw new CommandFailure(
        'no replica knows this id: the message is older than their hot windows, its publisher used another id, or its exchange is not bound to the journal',
      )
    }
  })
}

function describe({ replica, since, messages }: Replica): string {
  const memory = since === null ? 'it has received no message yet' : `it remembers since ${since}`
  if (messages.length === 0) return `${printable(replica)}: not seen; ${memory}\n`
  return messages
    .map((message) => {
      const { exchange, routingKey, receivedAt } = message
      const head = `${printable(replica)}: arrived at ${receivedAt} through "${printable(exchange)}" with key "${printable(routingKey)}"`
      return `${[head, audienceText(message), outcomeText(message), ...message.fields.map(fieldText), copyText(message), countsText(message)].filter(Boolean).join('\n    ')}\n`
    })
    .join('')
}

function audienceText({ sources, clients, clientCount }: Traced): string {
  if (sources.length === 0) return ''
  const more = clientCount !== null && clientCount > clients.length ? ` and ${clientCount - clients.length} more` : ''
  const names = clientCount === null ? 'everyone' : `${clients.map(printable).join(', ') || 'no client'}${more}`
  return `for ${names}, by source ${sources.join(', ')}`
}

function outcomeText({ outcome, reason, clientCount }: Traced): string {
  switch (outcome) {
    case 'DELIVERED':
      return 'DELIVERED'
    case 'NO_SUBSCRIBER':
      if (clientCount === 0)
        return 'NO_SUBSCRIBER: no source found a client for it, and no subscription of a typed field wanted it here'
      return 'NO_SUBSCRIBER: no client was subscribed here when it arrived; a client that resumes with an older cursor receives it'
    case 'UNMATCHED':
      return 'UNMATCHED: no source found a client for it; compare its exchange and key with rabbitChannels'
    case 'REPEATED':
      return 'REPEATED: not delivered, because it arrived before with the same idempotency key, or was published again after an outage'
    case 'FILTERED':
      return 'FILTERED: only typed fields are for it, and they exclude it'
    case 'INVALID':
      return 'INVALID: only typed fields are for it, and it does not fit their types; see warren quarantine list'
    case 'QUARANTINED':
      return `QUARANTINED: ${reason ?? 'its body cannot be read'}; see warren quarantine list`
    default:
      return 'arrived before this replica started, which only replays it'
  }
}

/** Of a message that was not quarantined itself. */
function copyText({ outcome, reason }: Traced): string {
  return reason === 'schema' && outcome !== 'INVALID'
    ? 'a copy went to the quarantine, because it does not fit a typed field; see warren quarantine list'
    : ''
}

function fieldText({ field, outcome, detail }: TracedField): string {
  const because = detail === null || detail === '' ? '' : printable(detail)
  switch (outcome) {
    case 'MATCHED':
      return `field ${field}: matches a subscription`
    case 'NOT_MATCHED':
      return `field ${field}: matches no subscription${because && `, because of ${because}`}`
    case 'FILTERED':
      return `field ${field}: excluded by its event type or by a condition of the schema`
    case 'INVALID':
      return `field ${field}: invalid at ${because}`
    case 'UNUSED':
      return `field ${field}: has no subscription`
  }
}

function countsText({ matched, delivered, dropped }: Traced): string {
  if (matched === 0) return ''
  const waiting = matched - delivered - dropped
  return `matched ${matched} ${matched === 1 ? 'subscription' : 'subscriptions'}: ${delivered} delivered, ${dropped} dropped, ${waiting} waiting`
}
