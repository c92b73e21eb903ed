import { Command } from 'commander'
import { describeDefinition, diffOf, readSourcesFile, type SourceInUse } from '../../app/sources/sources-file.ts'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { exchangeTypes, type SourceDefinition } from '../../core/model/source.ts'
import { CommandFailure, wrongUse } from '../failure.ts'
import { printable } from '../printable.ts'
import { asksGateway, callGateway } from './operator-call.ts'

interface Listed extends SourceInUse {
  readonly exchangeType: string
  readonly rule: string
  readonly buffered: boolean
  readonly origin: 'API' | 'DEFAULT' | 'SCHEMA'
}

interface Created extends Listed {
  readonly madeExchange: boolean
  readonly nearExchanges: readonly string[]
}

const members = 'id exchange exchangeType routingKey rule buffered origin'
const listQuery = `{ rabbitChannels { ${members} createdAt madeExchange clientId { header bodyPointer fixed everyone } } }`
const createMutation = `mutation Create($input: CreateRabbitChannelInput!) {
  createRabbitChannel(input: $input) { ${members} madeExchange nearExchanges }
}`
const deleteMutation = 'mutation Delete($id: ID!) { deleteRabbitChannel(id: $id) }'

export function sourcesCommand(): Command {
  return new Command('sources')
    .description('lists, creates, deletes or applies the sources of a running gateway')
    .addCommand(listCommand())
    .addCommand(createCommand())
    .addCommand(deleteCommand())
    .addCommand(applyCommand())
}

function listCommand(): Command {
  const command = asksGateway(new Command('list').description('lists the sources, and where each finds the client id'))
  return command.action(async ({ json }: { json?: boolean }) => {
    const { rabbitChannels } = await callGateway<{ rabbitChannels: readonly Listed[] }>(command, listQuery)
    process.stdout.write(json ? `${visibleJson(rabbitChannels, 2)}\n` : rabbitChannels.map(line).join(''))
  })
}

interface CreateOptions {
  readonly type: string
  readonly key?: string
  readonly header?: string
  readonly bodyPointer?: string
  readonly fixed?: string
  readonly everyone?: boolean
  readonly buffered?: boolean
  readonly json?: boolean
}

function createCommand(): Command {
  const command = asksGateway(
    new Command('create')
      .description('creates a source, and prints whether it made the exchange and which one may have been meant')
      .argument('<exchange>', 'the exchange; a missing one is declared')
      .option('--type <type>', `the type of the exchange: ${exchangeTypes.join(', ').toLowerCase()}`, 'topic')
      .option('--key <pattern>', 'a binding pattern, such as orders.{clientId}.#')
      .option('--header <name>', 'the header with the client id')
      .option('--body-pointer <pointer>', 'the JSON pointer to the client id in the body')
      .option('--fixed <client>', 'all messages are for this client')
      .option('--everyone', 'all messages are for every client')
      .option('--buffered', 'put a queue between the exchange and the journal'),
  )
  return command.action(async (exchange: string, given: CreateOptions) => {
    const rules = [
      given.header !== undefined && { header: given.header },
      given.bodyPointer !== undefined && { bodyPointer: given.bodyPointer },
      given.fixed !== undefined && { fixed: given.fixed },
      given.everyone === true && { everyone: true },
    ].filter((rule) => rule !== false)
    if (rules.length > 1)
      throw wrongUse('warren sources create: expected at most one of --header, --body-pointer, --fixed and --everyone')
    const input = {
      exchange,
      exchangeType: given.type.toUpperCase(),
      ...(given.key === undefined ? {} : { routingKey: given.key }),
      ...(rules[0] ? { clientId: rules[0] } : {}),
      buffered: given.buffered === true,
    }
    const { createRabbitChannel: source } = await callGateway<{ createRabbitChannel: Created }>(
      command,
      createMutation,
      {
        input,
      },
    )
    process.stdout.write(given.json ? `${visibleJson(source, 2)}\n` : `${line(source)}${hint(source)}`)
  })
}

function deleteCommand(): Command {
  const command = asksGateway(
    new Command('delete')
      .description('deletes a source; its exchange and its messages in the journal stay')
      .argument('<id>', 'the id in the output of list'),
  )
  return command.action(async (id: string, { json }: { json?: boolean }) => {
    const { deleteRabbitChannel: deleted } = await callGateway<{ deleteRabbitChannel: boolean }>(
      command,
      deleteMutation,
      {
        id,
      },
    )
    if (!deleted) throw new CommandFailure(`id: no source has the id ${id}`)
    process.stdout.write(json ? `${visibleJson({ deleted: id })}\n` : `deleted ${printable(id)}\n`)
  })
}

interface ApplyOptions {
  readonly file: string
  readonly prune?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

function applyCommand(): Command {
  const command = asksGateway(
    new Command('apply')
      .description('creates the sources of a file that are missing, and prints the difference')
      .requiredOption('-f, --file <path>', 'the YAML file: sources, each with exchange, type, key, clientId, buffered')
      .option('--prune', 'delete sources that are not in the file (also: prune: true in the file)')
      .option('--dry-run', 'print the difference and change nothing'),
  )
  return command.action(async ({ file, prune, dryRun, json }: ApplyOptions) => {
    const wanted = await readSourcesFile(file, '--file')
    const { rabbitChannels } = await callGateway<{ rabbitChannels: readonly Listed[] }>(command, listQuery)
    const diff = diffOf(
      wanted.sources,
      rabbitChannels.filter(({ origin }) => origin === 'API'),
    )
    const deletes = prune === true || wanted.prune
    const report = {
      created: diff.create.map(describeDefinition),
      deleted: deletes ? diff.extra.map(shortly) : [],
      kept: deletes ? [] : diff.extra.map(shortly),
      unchanged: diff.unchanged.length,
    }
    if (dryRun !== true) {
      for (const definition of diff.create) await callGateway(command, createMutation, { input: inputOf(definition) })
      if (deletes) for (const { id } of diff.extra) await callGateway(command, deleteMutation, { id })
    }
    if (json) return void process.stdout.write(`${visibleJson(report, 2)}\n`)
    const lines = [
      ...report.created.map((text) => `+ ${printable(text)}`),
      ...report.deleted.map((text) => `- ${printable(text)}`),
      ...report.kept.map((text) => `! not in the file: ${printable(text)}`),
      `${report.unchanged} unchanged`,
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
  })
}

function inputOf({ exchange, exchangeType, routingKey, clientId, buffered }: SourceDefinition): object {
  return { exchange, exchangeType, routingKey, ...(clientId ? { clientId } : {}), buffered: buffered === true }
}

function shortly({ exchange, routingKey }: SourceInUse): string {
  return `${exchange} ${routingKey}`
}

function line({ id, exchange, exchangeType, routingKey, rule, buffered, origin }: Listed): string {
  const facts = [`${printable(exchange)} (${exchangeType})`, printable(routingKey), printable(rule)]
  if (buffered) facts.push('buffered')
  if (origin !== 'API') facts.push(origin.toLowerCase())
  return `${id}  ${facts.join('  ')}\n`
}

function hint({ exchange, madeExchange, nearExchanges }: Created): string {
  if (!madeExchange) return ''
  const near = nearExchanges.length > 0 ? `; was ${nearExchanges.map(printable).join(' or ')} meant?` : ''
  return `the exchange ${printable(exchange)} did not exist and was made${near}\n`
}
