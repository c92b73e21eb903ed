import { Command } from 'commander'
import { dropUndeliverable } from '../../brokers/rabbitmq/topology/drop-undeliverable.ts'
import { QuarantineQueue } from '../../brokers/rabbitmq/topology/quarantine-queue.ts'
import type { OptionName } from '../../config/options/options.ts'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import type { Message } from '../../core/model/message.ts'
import { byTime, placeInQuarantine, type QuarantinePlace } from '../../core/quarantine/quarantine-page.ts'
import type { QuarantineDecision } from '../../core/quarantine/quarantine-store.ts'
import { original } from '../../core/quarantine/quarantined-message.ts'
import { GatewayError } from '../../errors.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { isConfirmed } from '../confirm.ts'
import { CommandFailure, wrongUse } from '../failure.ts'
import { describe, type Quarantined, quarantined } from './quarantined-message.ts'

const configNames = ['brokerUrl', 'namespace'] as const satisfies readonly OptionName[]
const defaultLimit = 50
/**
 * A list shows the oldest of so many messages. RabbitMQ returns inspected messages behind the
 * others, more than 32 of them in no order.
 */
const inspectedUpTo = 5_000
/** How many messages one visit deletes. Between visits, a gateway may show the quarantine. */
const dropPage = 1_000

export function quarantineCommand(): Command {
  return new Command('quarantine')
    .description('lists, republishes or drops messages that could not become events')
    .addCommand(listCommand())
    .addCommand(republishCommand())
    .addCommand(dropCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('lists the messages in the quarantine, oldest first, and removes none')
    .option('--limit <n>', `list at most this many messages (default: ${defaultLimit})`)
    .option('--json', 'print one JSON object for each message, one a line')
  return takesConfig(command, configNames).action(async (given: { limit?: string; json?: boolean }) => {
    const limit = limitOf(given.limit)
    await withQueue(command, async (queue) => {
      const found: { readonly one: Quarantined; readonly place: QuarantinePlace }[] = []
      const { count, unread } = await queue.visit(Math.max(limit, inspectedUpTo), (message) => {
        found.push({ one: quarantined(message), place: placeInQuarantine(message) })
        return keep
      })
      // What no gateway received comes first, in the order of the queue.
      found.sort((a, b) => byTime(a.place, b.place))
      const shown = found.slice(0, limit)
      for (const { one } of shown) process.stdout.write(given.json ? `${visibleJson(one)}\n` : describe(one))
      if (!given.json) process.stdout.write(`${shown.length} of ${counted(count)} in ${queue.name}\n`)
      if (unread > 0) process.stderr.write(`${unreadText(unread)}\n`)
    })
  })
}

interface RepublishOptions {
  readonly all?: boolean
  readonly id: readonly string[]
  readonly toExchange?: string
  readonly key?: string
}

function republishCommand(): Command {
  const command = new Command('republish')
    .description(
      'publishes messages again to their original exchange and removes each one when RabbitMQ has confirmed it',
    )
    .option('--all', 'select all messages that are in the quarantine when the command starts')
    .option('--id <id...>', 'select these messages, by their ids in the output of list', [])
    .option('--to-exchange <name>', 'publish to this exchange instead (default: the original one); requires --key')
    .option('--key <routing key>', 'publish with this routing key (default: the original one); requires --to-exchange')
  return takesConfig(command, configNames).action(async (given: RepublishOptions) => {
    if ((given.all === true) === given.id.length > 0) {
      throw wrongUse('warren quarantine republish: expected either --all or --id')
    }
    const to = destinationOf(given)
    await withQueue(command, async (queue) => {
      const selection = new Selection(given.all === true ? 'all' : given.id)
      let refused = 0
      const { unread } = await queue.visit(Number.POSITIVE_INFINITY, async (message) => {
        const id = selection.idOf(message)
        if (id === undefined) return 'keep'
        const publication = original(message, to)
        try {
          // Remove a message only after it was published. A crash in between leaves it in both
          // places, never in neither.
          await queue.publish(publication)
        } catch (error) {
          if (!(error instanceof GatewayError) || error.code === 'BROKER_UNAVAILABLE') throw error
          process.stderr.write(`${id}: not republished: ${error.message}\n`)
          refused += 1
          return 'keep'
        }
        process.stdout.write(`${id}  published to ${publication.exchange} ${publication.routingKey}\n`)
        return 'remove'
      })
      const unpublished = refused > 0 ? [`${counted(refused)} could not be published and stayed in the quarantine`] : []
      requireNone([...selection.missing(unread), ...unpublished])
    })
  })
}

interface DropOptions {
  readonly id: readonly string[]
  readonly all?: boolean
  readonly yes?: boolean
  readonly undeliverable?: boolean
}

function dropCommand(): Command {
  const command = new Command('drop')
    .description('deletes messages permanently')
    .option('--id <id...>', 'select these messages, by their ids in the output of list', [])
    .option('--all', 'select all messages that are in the quarantine when the command starts; asks before it deletes')
    .option('--yes', 'delete without asking; requires --all')
    .option(
      '--undeliverable',
      'select the first message that RabbitMQ cannot deliver over AMQP 0-9-1, so that those behind it can be listed',
    )
  return takesConfig(command, configNames).action(async (given: DropOptions) => {
    const { id: ids, all = false, yes = false, undeliverable = false } = given
    if ([ids.length > 0, all, undeliverable].filter(Boolean).length !== 1)
      throw wrongUse('warren quarantine drop: expected one of --id, --all and --undeliverable')
    if (yes && !all) throw wrongUse('warren quarantine drop: expected --yes only with --all')
    if (all) return dropAll(command, yes)
    if (undeliverable) {
      const open = openerOf(command)
      if (!(await dropUndeliverable(open)))
        throw new CommandFailure('RabbitMQ can deliver all messages: none was dropped')
      process.stdout.write('1 message dropped, which RabbitMQ cannot deliver\n')
      return
    }
    await withQueue(command, async (queue) => {
      const selection = new Selection(ids)
      const { unread } = await queue.visit(Number.POSITIVE_INFINITY, (message) => {
        const id = selection.idOf(message)
        return id === undefined ? keep : drop(id)
      })
      requireNone(selection.missing(unread))
    })
  })
}

async function dropAll(command: Command, isAgreed: boolean): Promise<void> {
  if (!isAgreed && !process.stdin.isTTY)
    throw wrongUse('warren quarantine drop --all: expected --yes, or a terminal on standard input for the question')
  const { count, name } = await withQueue(command, async (queue) => ({
    name: queue.name,
    count: (await queue.visit(0, () => keep)).count,
  }))
  if (count > 0 && !isAgreed && !(await isConfirmed(`Delete ${counted(count)} of ${name} permanently?`)))
    throw new CommandFailure('0 messages dropped')
  let dropped = 0
  let unread = 0
  // Never more than what was agreed to: messages that arrive later are behind them.
  for (let left = count; left > 0 && unread === 0; left -= dropPage) {
    const visit = await withQueue(command, (queue) =>
      queue.visit(Math.min(left, dropPage), (message) => {
        dropped += 1
        return drop(quarantined(message).id)
      }),
    )
    unread = visit.unread
  }
  process.stdout.write(`${counted(dropped)} dropped\n`)
  if (unread > 0) requireNone([unreadText(unread)])
}

function drop(id: string): Promise<QuarantineDecision> {
  process.stdout.write(`${id}  dropped\n`)
  return remove
}

const keep = Promise.resolve<QuarantineDecision>('keep')
const remove = Promise.resolve<QuarantineDecision>('remove')

/** The messages that a command selects, and those that it has not found yet. */
class Selection {
  readonly #ids: ReadonlySet<string> | 'all'
  readonly #missing: Set<string>

  constructor(ids: readonly string[] | 'all') {
    this.#ids = ids === 'all' ? ids : new Set(ids)
    this.#missing = new Set(ids === 'all' ? [] : ids)
  }

  /** Undefined if the message is not selected. */
  idOf(message: Message): string | undefined {
    const { id } = quarantined(message)
    this.#missing.delete(id)
    return this.#ids === 'all' || this.#ids.has(id) ? id : undefined
  }

  /** Why not all were found, a sentence each. `unread`: how many the visit could not read. */
  missing(unread: number): string[] {
    if (this.#ids === 'all') return unread > 0 ? [unreadText(unread)] : []
    if (this.#missing.size === 0) return []
    const sentence = `--id: not in the quarantine: ${[...this.#missing].join(', ')}`
    return unread > 0 ? [unreadText(unread), sentence] : [sentence]
  }
}

/** The command did what it could. It failed if it has not done all of it. */
function requireNone(failures: readonly string[]): void {
  if (failures.length > 0) throw new CommandFailure(failures.join('\n'))
}

function openerOf(command: Command): () => QuarantineQueue {
  const { brokerUrl, namespace } = configOf(command, configNames)
  if (brokerUrl.some((url) => url.startsWith('memory:'))) {
    throw new CommandFailure(
      'WARREN_BROKER_URL: expected a RabbitMQ (amqp:// or amqps://), got memory:, which keeps its quarantine inside the gateway process',
    )
  }
  return () => new QuarantineQueue(brokerUrl, { namespace })
}

async function withQueue<Outcome>(
  command: Command,
  work: (queue: QuarantineQueue) => Promise<Outcome>,
): Promise<Outcome> {
  const queue = openerOf(command)()
  try {
    return await work(queue)
  } finally {
    await queue.close()
  }
}

function limitOf(given: string | undefined): number {
  if (given === undefined) return defaultLimit
  if (!/^[1-9]\d{0,8}$/.test(given)) throw wrongUse(`--limit: expected a whole number above 0, got "${given}"`)
  return Number(given)
}

function destinationOf({ toExchange, key }: RepublishOptions): { exchange: string; routingKey: string } | undefined {
  if (toExchange === undefined && key === undefined) return undefined
  if (toExchange === undefined || key === undefined) {
    throw wrongUse('warren quarantine republish: expected --to-exchange and --key together')
  }
  return { exchange: toExchange, routingKey: key }
}

/** RabbitMQ 4 stores messages over AMQP 1.0 that it cannot deliver over AMQP 0-9-1. */
function unreadText(unread: number): string {
  return `${counted(unread)} could not be read: RabbitMQ cannot deliver the first of them over AMQP 0-9-1; delete it with warren quarantine drop --undeliverable, or take it out with a client of AMQP 1.0`
}

function counted(count: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'}`
}
