import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { CommandFailure } from '../failure.ts'
import { askGateway } from '../gateway/ask-gateway.ts'
import { addressOptions, gatewayUrl } from '../gateway/gateway-url.ts'
import { operatorToken, secretOptions } from '../gateway/local-signer.ts'
import { printable } from '../printable.ts'

interface TraceOptions {
  readonly json?: boolean
  readonly url?: string
  readonly token?: string
}

interface Traced {
  readonly exchange: string
  readonly routingKey: string
  readonly receivedAt: string
  readonly fate: 'HEARD' | 'UNHEARD' | 'UNMATCHED' | 'REPEATED' | 'QUARANTINED' | null
  readonly reason: string | null
  readonly sources: readonly string[]
  readonly clients: readonly string[]
  readonly clientCount: number | null
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
}

interface Replica {
  readonly replica: string
  readonly since: string | null
  readonly messages: readonly Traced[]
}

const configNames = [...addressOptions, ...secretOptions]

const query = `query Trace($messageId: ID!) {
  trace(messageId: $messageId) {
    replica since
    messages { exchange routingKey receivedAt fate reason sources clients clientCount matched delivered dropped }
  }
}`

export function traceCommand(): Command {
  const command = new Command('trace')
    .description(
      'tells where a recent message went: its source, its clients, to how many subscriptions on which replica, or why not',
    )
    .argument('<message id>', 'the message id, as publishers and subscribers see it')
    .option('--json', 'what each replica knows, as JSON')
    .option('--url <url>', 'the GraphQL endpoint of a gateway (default: this machine, WARREN_PORT)')
    .option('--token <token>', "an operator's token (default: one signed with the local secret)")
  return takesConfig(command, configNames).action(async (messageId: string, given: TraceOptions) => {
    const config = configOf(command, configNames)
    const token = given.token ?? (await operatorToken(config))
    const { trace } = await askGateway<{ trace: readonly Replica[] }>(given.url ?? gatewayUrl(config), token, query, {
      messageId,
    })
    process.stdout.write(given.json ? `${visibleJson(trace, 2)}\n` : trace.map(story).join(''))
    if (trace.every(({ messages }) => messages.length === 0)) {
      throw new CommandFailure(
        'no replica knows this id: it is older than what they remember, its publisher gave it another id, or nothing bound its exchange to the journal',
      )
    }
  })
}

function story({ replica, since, messages }: Replica): string {
  const memory = since === null ? 'it has seen nothing yet' : `it remembers since ${since}`
  if (messages.length === 0) return `${printable(replica)}: not seen; ${memory}\n`
  return messages
    .map((message) => {
      const { exchange, routingKey, receivedAt } = message
      const head = `${printable(replica)}: came at ${receivedAt} through "${printable(exchange)}" with key "${printable(routingKey)}"`
      return `${[head, whose(message), fateOf(message), countsOf(message)].filter(Boolean).join('\n    ')}\n`
    })
    .join('')
}

function whose({ sources, clients, clientCount }: Traced): string {
  if (sources.length === 0) return ''
  const more = clientCount !== null && clientCount > clients.length ? ` and ${clientCount - clients.length} more` : ''
  const names = clientCount === null ? 'everyone' : `${clients.map(printable).join(', ') || 'nobody'}${more}`
  return `for ${names}, says source ${sources.join(', ')}`
}

function fateOf({ fate, reason }: Traced): string {
  switch (fate) {
    case 'HEARD':
      return ''
    case 'UNHEARD':
      return 'nobody listened here when it came; whoever comes back with an older cursor is given it'
    case 'UNMATCHED':
      return 'no source says whose it is: compare its exchange and key with rabbitChannels'
    case 'REPEATED':
      return 'not delivered: it had come before, with the same idempotency key, or again after an outage'
    case 'QUARANTINED':
      return `in the quarantine: ${reason ?? 'its body cannot be read'}; see warren quarantine list`
    default:
      return 'came before this replica started: it only replays it'
  }
}

function countsOf({ matched, delivered, dropped }: Traced): string {
  if (matched === 0) return ''
  const waiting = matched - delivered - dropped
  return `given to ${matched} ${matched === 1 ? 'subscription' : 'subscriptions'}: ${delivered} delivered, ${dropped} dropped, ${waiting} waiting`
}
