import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { CommandFailure } from '../failure.ts'
import { printable } from '../printable.ts'
import { asksGateway, callGateway } from './operator-call.ts'

interface Position {
  readonly name: string
  readonly field: string | null
  readonly arguments: unknown
  readonly movedAt: string
  readonly lag: { readonly count: number; readonly atLeast: boolean } | null
}

const listQuery = `query Positions($clientId: ID!) {
  clientPositions(clientId: $clientId) {
    name field arguments cursor movedAt usedAt lag { count atLeast }
  }
}`
const deleteMutation = `mutation DeletePosition($clientId: ID!, $name: String!) {
  deletePosition(clientId: $clientId, name: $name)
}`

export function positionsCommand(): Command {
  return new Command('positions')
    .description('lists and deletes the named positions of a client: where its devices are')
    .addCommand(listCommand())
    .addCommand(deleteCommand())
}

function listCommand(): Command {
  const command = asksGateway(
    new Command('list')
      .description('lists the positions of a client, and how many messages are behind each')
      .argument('<client>', 'the client id'),
  )
  return command.action(async (clientId: string, { json }: { json?: boolean }) => {
    const { clientPositions } = await callGateway<{ clientPositions: readonly Position[] }>(command, listQuery, {
      clientId,
    })
    if (json) return void process.stdout.write(`${visibleJson(clientPositions, 2)}\n`)
    process.stdout.write(clientPositions.map(line).join('') || `${printable(clientId)} has no position\n`)
  })
}

function deleteCommand(): Command {
  const command = asksGateway(
    new Command('delete')
      .description('deletes a position: a subscription that has it ends, and the next one begins at the live end')
      .argument('<client>', 'the client id')
      .argument('<name>', 'the name of the position'),
  )
  return command.action(async (clientId: string, name: string, { json }: { json?: boolean }) => {
    const { deletePosition } = await callGateway<{ deletePosition: boolean }>(command, deleteMutation, {
      clientId,
      name,
    })
    if (!deletePosition) throw new CommandFailure(`name: ${printable(clientId)} has no position ${printable(name)}`)
    process.stdout.write(json ? `${visibleJson({ deleted: name }, 2)}\n` : `deleted ${printable(name)}\n`)
  })
}

function line({ name, field, arguments: args, movedAt, lag }: Position): string {
  const topic = field === null ? 'no subscription yet' : `${printable(field)} ${printable(JSON.stringify(args))}`
  const behind = lag === null ? 'lag unknown' : `${lag.atLeast ? 'at least ' : ''}${lag.count} behind`
  return `${name}  ${topic}  ${behind}  moved ${movedAt}\n`
}
