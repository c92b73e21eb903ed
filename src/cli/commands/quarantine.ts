import { Command } from 'commander'
import { type Fate, QuarantineQueue } from '../../brokers/rabbitmq/topology/quarantine-queue.ts'
import type { OptionName } from '../../config/options/options.ts'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import type { Message } from '../../core/model/message.ts'
import { GatewayError } from '../../errors.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { CommandFailure, wrongUse } from '../failure.ts'
import { describe, original, quarantined } from './quarantined-message.ts'

const configNames = ['brokerUrl', 'namespace'] as const satisfies readonly OptionName[]
const defaultLimit = 50
/**
 * RabbitMQ requeues inspected messages behind the others, so the order is kept only if all messages
 * are inspected. Up to this number, that takes no noticeable time.
 */
const lookAtAll = 1_000

export function quarantineCommand(): Command {
  return new Command('quarantine')
    .description('looks after the messages that could not be turned into events')
    .addCommand(listCommand())
    .addCommand(republishCommand())
    .addCommand(dropCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('shows what is in the quarantine, the oldest first; takes nothing away')
    .option('--limit <n>', `show at most so many (default: ${defaultLimit})`)
    .option('--json', 'print a JSON object a line')
  return takesConfig(command, configNames).action(async (given: { limit?: string; json?: boolean }) => {
    const limit = limitOf(given.limit)
    await withQueue(command, async (queue) => {
      let shown = 0
      const count = await queue.visit(Math.max(limit, lookAtAll), (message) => {
        if (shown === limit) return keep
        const one = quarantined(message)
        process.stdout.write(given.json ? `${visibleJson(one)}\n` : describe(one))
        shown += 1
        return keep
      })
      if (!given.json) process.stdout.write(`${shown} of ${counted(count)} in ${queue.name}\n`)
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
      'publishes messages again, to where they came from, and takes each away once RabbitMQ has confirmed it',
    )
    .option('--all', 'everything that is there when the command begins')
    .option('--id <id...>', 'these, by the ids that list shows', [])
    .option('--to-exchange <name>', 'to this exchange instead, with --key')
    .option('--key <routing key>', 'with this routing key, with --to-exchange')
  return takesConfig(command, configNames).action(async (given: RepublishOptions) => {
    if ((given.all === true) === given.id.length > 0) {
      throw wrongUse('warren quarantine republish: expected either --all or --id')
    }
    const to = destinationOf(given)
    await withQueue(command, async (queue) => {
      const wanted = new Wanted(given.all === true ? 'all' : given.id)
      let refused = 0
      await queue.visit(Number.POSITIVE_INFINITY, async (message) => {
        const id = wanted.idOf(message)
        if (id === undefined) return 'keep'
        const publication = original(message, to)
        try {
          // Remove a message only after it was published. A crash in between leaves it in both
          // places, never in neither.
          await queue.publish(publication)
        } catch (error) {
          if (!(error instanceof GatewayError) || error.code === 'BROKER_UNAVAILABLE') throw error
          process.stderr.write(`${id}: stays, for ${error.message}\n`)
          refused += 1
          return 'keep'
        }
        process.stdout.write(`${id}  published to ${publication.exchange} ${publication.routingKey}\n`)
        return 'remove'
      })
      wanted.demandFound()
      if (refused > 0) throw new CommandFailure(`${counted(refused)} could not be published and stayed`)
    })
  })
}

function dropCommand(): Command {
  const command = new Command('drop')
    .description('throws messages away for good')
    .requiredOption('--id <id...>', 'these, by the ids that list shows')
  return takesConfig(command, configNames).action(async ({ id: ids }: { id: readonly string[] }) => {
    await withQueue(command, async (queue) => {
      const wanted = new Wanted(ids)
      await queue.visit(Number.POSITIVE_INFINITY, (message) => {
        const id = wanted.idOf(message)
        if (id === undefined) return keep
        process.stdout.write(`${id}  dropped\n`)
        return remove
      })
      wanted.demandFound()
    })
  })
}

const keep = Promise.resolve<Fate>('keep')
const remove = Promise.resolve<Fate>('remove')

/** The messages that a command selects, and those that it has not found yet. */
class Wanted {
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

  demandFound(): void {
    if (this.#missing.size > 0)
      throw new CommandFailure(`--id: not in the quarantine: ${[...this.#missing].join(', ')}`)
  }
}

async function withQueue(command: Command, work: (queue: QuarantineQueue) => Promise<void>): Promise<void> {
  const { brokerUrl, namespace } = configOf(command, configNames)
  if (brokerUrl.some((url) => url.startsWith('memory:'))) {
    throw new CommandFailure(
      'WARREN_BROKER_URL: the embedded broker (memory:) keeps its quarantine in the process of the gateway, with which it ends; name a RabbitMQ',
    )
  }
  const queue = new QuarantineQueue(brokerUrl, { namespace })
  try {
    await work(queue)
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

function counted(count: number): string {
  return `${count} ${count === 1 ? 'message' : 'messages'}`
}
