import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { CommandFailure, wrongUse } from '../failure.ts'
import { printable } from '../printable.ts'
import { asksGateway, callGateway, countOf } from './operator-call.ts'

interface Entry {
  readonly offset: number
  readonly receivedAt: string | null
  readonly exchange: string
  readonly routingKey: string
  readonly outcome: string | null
  readonly clients: readonly string[]
  readonly clientCount: number | null
  readonly body: { readonly text: string; readonly truncated: boolean }
}

interface Page {
  readonly nodes: readonly Entry[]
  readonly startCursor: string | null
  readonly endCursor: string | null
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  readonly note: string | null
}

const query = `query Messages($source: ID, $channel: ID, $field: String, $exchange: String, $routingKey: String,
  $text: String, $around: JournalPlace, $before: Cursor, $after: Cursor, $first: Int) {
  messages(source: $source, channel: $channel, field: $field, exchange: $exchange, routingKey: $routingKey, text: $text,
    around: $around, before: $before, after: $after, first: $first) {
    nodes { cursor offset receivedAt publishedAt exchange routingKey messageId type contentType headers data bytes
      body(limit: 200) { text encoding truncated } clients clientCount sources outcome explanation }
    startCursor endCursor hasOlder hasNewer note
  }
}`

interface MessagesOptions {
  readonly source?: string
  readonly channel?: string
  readonly field?: string
  readonly exchange?: string
  readonly key?: string
  readonly text?: string
  readonly at?: string
  readonly before?: string
  readonly after?: string
  readonly first?: string
  readonly json?: boolean
}

export function messagesCommand(): Command {
  const command = asksGateway(
    new Command('messages')
      .description('prints messages of the journal, oldest first, and what became of them; takes nothing away')
      .option('--source <id>', 'only messages of this source')
      .option('--channel <client>', 'only messages for this client')
      .option('--field <name>', 'only messages for this typed field')
      .option('--exchange <name>', 'only messages of this exchange')
      .option('--key <pattern>', 'only messages with a routing key that matches this topic pattern')
      .option('--text <text>', 'only messages with this text in the body')
      .option('--at <place>', 'around this place: a time (2026-11-29T14:26:51Z), an offset, a cursor or a message id')
      .option('--before <cursor>', 'older messages than this cursor')
      .option('--after <cursor>', 'newer messages than this cursor')
      .option('--first <n>', 'at most this many, up to 500 (default: 50)'),
  )
  return command.action(async ({ json, key, at, first, ...given }: MessagesOptions) => {
    if ([at, given.before, given.after].filter((place) => place !== undefined).length > 1)
      throw wrongUse('warren messages: expected at most one of --at, --before and --after')
    const page = await pageAt(command, { ...given, routingKey: key, first: countOf(first) }, at)
    if (json) return void process.stdout.write(`${visibleJson(page, 2)}\n`)
    if (page.note !== null) process.stderr.write(`${page.note}\n`)
    process.stdout.write(page.nodes.map(line).join(''))
    if (page.hasOlder) process.stdout.write(`older: --before ${page.startCursor}\n`)
    if (page.hasNewer) process.stdout.write(`newer: --after ${page.endCursor}\n`)
  })
}

/** A place of unknown form is a cursor if the gateway issued it, and a message id otherwise. */
async function pageAt(command: Command, variables: object, at: string | undefined): Promise<Page> {
  const ask = async (around?: object): Promise<Page> =>
    (await callGateway<{ messages: Page }>(command, query, { ...variables, around })).messages
  if (at === undefined) return ask()
  if (/^\d+$/.test(at)) return ask({ offset: Number(at) })
  if (/^\d{4}-\d\d-\d\dT/.test(at)) return ask({ time: at })
  try {
    return await ask({ cursor: at })
  } catch (error) {
    if (!(error instanceof CommandFailure) || !error.message.includes('around.cursor')) throw error
    return ask({ messageId: at })
  }
}

function line({ offset, receivedAt, exchange, routingKey, outcome, clients, clientCount, body }: Entry): string {
  const names = clientCount === null ? 'everyone' : clients.map(printable).join(',') || 'no client'
  const more = clientCount !== null && clientCount > clients.length ? `,… (${clientCount})` : ''
  const facts = [
    String(offset),
    receivedAt ?? '-',
    `${printable(exchange)} ${printable(routingKey)}`,
    `${names}${more}`,
  ]
  return `${[...facts, outcome ?? '-', printable(body.text) + (body.truncated ? '…' : '')].join('  ')}\n`
}
