import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { printable } from '../printable.ts'
import { asksGateway, callGateway, countOf, warnAboutSilent } from './operator-call.ts'

interface Client {
  readonly clientId: string
  readonly online: boolean
  readonly slow: boolean
  readonly banned: boolean
  readonly lastSeen: string | null
  readonly sessions: number
  readonly transports: readonly string[]
  readonly lagMs: number | null
  readonly pending: number
  readonly delivered: number
  readonly dropped: number
}

interface Answer {
  readonly clients: {
    readonly nodes: readonly Client[]
    readonly endCursor: string | null
    readonly hasMore: boolean
    readonly unanswered: readonly string[]
  }
}

const query = `query Clients($search: String, $only: ClientFilter, $sort: ClientSort, $first: Int, $after: String) {
  clients(search: $search, only: $only, sort: $sort, first: $first, after: $after) {
    nodes { clientId name registered online slow banned lastSeen sessions transports replicas offset lagMs pending
      queuedBytes delivered dropped }
    endCursor hasMore unanswered
  }
}`

export function clientsCommand(): Command {
  const command = asksGateway(
    new Command('clients')
      .description('lists clients over all replicas: who is online, how far each is, and who is slow')
      .argument('[search]', 'a part of the client id')
      .option('--only <what>', 'online, offline, slow, dropping or banned')
      .option('--sort <by>', 'client_id, lag, pending, delivered or dropped', 'client_id')
      .option('--first <n>', 'at most this many, up to 500 (default: 100)')
      .option('--after <cursor>', 'continue behind the page before'),
  )
  return command.action(
    async (
      search: string | undefined,
      { only, sort, first, after, json }: Record<'only' | 'sort' | 'first' | 'after', string> & { json?: boolean },
    ) => {
      const { clients } = await callGateway<Answer>(command, query, {
        search,
        only: only?.toUpperCase(),
        sort: sort.toUpperCase(),
        first: countOf(first),
        after,
      })
      warnAboutSilent(clients.unanswered)
      if (json) return void process.stdout.write(`${visibleJson(clients, 2)}\n`)
      process.stdout.write(clients.nodes.map(line).join(''))
      if (clients.hasMore) process.stdout.write(`more: --after ${printable(clients.endCursor ?? '')}\n`)
    },
  )
}

function line(client: Client): string {
  const { clientId, online, slow, banned, lastSeen, sessions, transports, lagMs, pending, delivered, dropped } = client
  const state = banned ? 'banned' : slow ? 'slow' : online ? 'online' : 'offline'
  const facts = online
    ? [
        `${sessions} ${sessions === 1 ? 'session' : 'sessions'} (${transports.join(', ')})`,
        `${lagMs ?? 0} ms behind`,
        `${pending} waiting`,
        `${delivered} delivered`,
        `${dropped} dropped`,
      ]
    : [lastSeen === null ? 'never seen' : `last seen ${lastSeen}`]
  return `${state.padEnd(8)}${printable(clientId)}  ${facts.join('  ')}\n`
}
