import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { printable } from '../printable.ts'
import { asksGateway, callGateway, warnAboutSilent } from './operator-call.ts'

interface Session {
  readonly id: string
  readonly replica: string
  readonly transport: string
  readonly address: string
  readonly since: string
  readonly scope: readonly string[]
  readonly slow: boolean
  readonly subscriptions: readonly {
    readonly topic: string
    readonly field: string
    readonly offset: number | null
    readonly lagMs: number
    readonly pending: number
    readonly delivered: number
    readonly dropped: number
  }[]
}

interface Answer {
  readonly sessions: { readonly sessions: readonly Session[]; readonly unanswered: readonly string[] }
}

const query = `query Sessions($clientId: ID!) {
  sessions(clientId: $clientId) {
    clientId banned unanswered
    sessions { id replica transport address since expiresAt scope queuedBytes pending delivered dropped slow
      subscriptions { field topic since overflow cursor offset lagMs pending queuedBytes delivered dropped slow } }
  }
}`

export function sessionsCommand(): Command {
  const command = asksGateway(
    new Command('sessions')
      .description('lists the sessions of a client over all replicas, with its subscriptions and their positions')
      .argument('<client>', 'the client id'),
  )
  return command.action(async (clientId: string, { json }: { json?: boolean }) => {
    const { sessions: answer } = await callGateway<Answer>(command, query, { clientId })
    warnAboutSilent(answer.unanswered)
    if (json) return void process.stdout.write(`${visibleJson(answer, 2)}\n`)
    process.stdout.write(answer.sessions.map(describe).join('') || `${printable(clientId)} has no session\n`)
  })
}

function describe({ id, replica, transport, address, since, scope, slow, subscriptions }: Session): string {
  const head = [id, `on ${printable(replica)}`, transport, `from ${printable(address)}`, `since ${since}`]
  if (slow) head.push('slow')
  const grants = scope.length > 0 ? [`  grants ${scope.map(printable).join(' ')}`] : []
  const each = subscriptions.map(({ topic, field, offset, lagMs, pending, delivered, dropped }) => {
    const name = field === 'channel' ? `channel ${printable(topic)}` : printable(topic)
    return `  ${name}  at offset ${offset ?? 'none'}  ${lagMs} ms behind  ${pending} waiting  ${delivered} delivered  ${dropped} dropped`
  })
  return `${[head.join('  '), ...grants, ...each].join('\n')}\n`
}
