import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { printable } from '../printable.ts'
import { asksGateway, callGateway } from './operator-call.ts'

interface Presence {
  readonly clientId: string
  readonly online: boolean
  readonly lastSeen: string | null
}

const query = 'query Presence($clientIds: [ID!]) { presence(clientIds: $clientIds) { clientId online lastSeen } }'

export function presenceCommand(): Command {
  const command = asksGateway(
    new Command('presence')
      .description('prints whether clients are online on any replica, and when they were last')
      .argument('[clients...]', 'client ids (default: the first thousand that are online)'),
  )
  return command.action(async (clients: readonly string[], { json }: { json?: boolean }) => {
    const clientIds = clients.length > 0 ? clients : undefined
    const { presence } = await callGateway<{ presence: readonly Presence[] }>(command, query, { clientIds })
    process.stdout.write(json ? `${visibleJson(presence, 2)}\n` : presence.map(line).join(''))
  })
}

function line({ clientId, online, lastSeen }: Presence): string {
  const since = online ? '' : `  ${lastSeen === null ? 'never seen' : `last seen ${lastSeen}`}`
  return `${(online ? 'online' : 'offline').padEnd(8)}${printable(clientId)}${since}\n`
}
