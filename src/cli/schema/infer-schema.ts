import { Command } from 'commander'
import type { MessageSampler } from '../../brokers/rabbitmq/sampling/message-sampler.ts'
import type { OptionName } from '../../config/options/options.ts'
import type { Message } from '../../core/model/message.ts'
import { type ExchangeType, exchangeTypes } from '../../core/model/source.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { CommandFailure, wrongUse } from '../failure.ts'
import { printSdl } from './served-files.ts'

const configNames = ['brokerUrl', 'namespace'] as const satisfies readonly OptionName[]
const defaultSamples = 500
const maxSamples = 10_000
const defaultWaitSeconds = 60

interface InferOptions {
  readonly exchange: string
  readonly key?: string
  readonly samples?: string
  readonly from?: string
  readonly wait?: string
  readonly field?: string
  readonly examples: boolean
  readonly json?: boolean
}

export function inferSchemaCommand(): Command {
  const command = new Command('infer')
    .description('reads messages of an exchange and prints a draft of SDL for them, to review before it is served')
    .requiredOption('--exchange <name>', 'the exchange')
    .option('--key <pattern>', 'read only messages with a routing key that matches, such as orders.# (default: all)')
    .option('--samples <n>', `read at most this many messages (default: ${defaultSamples})`)
    .option('--from <place>', 'journal (default): what the gateway has stored; live: what is published from now on')
    .option('--wait <seconds>', `how long to wait for live messages (default: ${defaultWaitSeconds})`)
    .option('--field <name>', 'the name of the subscription field (default: from the exchange)')
    .option('--no-examples', 'print no values of messages in comments, because they may be personal data')
    .option('--json', 'print one JSON object: sdl, the text, and messages, how many were read')
  return takesConfig(command, configNames).action(async (given: InferOptions) => {
    const count = wholeNumber('--samples', given.samples, defaultSamples, maxSamples)
    const waitSeconds = wholeNumber('--wait', given.wait, defaultWaitSeconds, 86_400)
    const { from = 'journal', key = '#' } = given
    if (from !== 'journal' && from !== 'live') throw wrongUse(`--from: expected journal or live, got "${from}"`)
    if (given.exchange === '')
      throw wrongUse('--exchange: expected a name; no queue can be bound to the default exchange')
    const { brokerUrl, namespace } = configOf(command, configNames)
    if (brokerUrl.some((url) => url.startsWith('memory:'))) {
      throw new CommandFailure(
        'WARREN_BROKER_URL: expected a RabbitMQ (amqp:// or amqps://), got memory:, which keeps its messages inside the gateway process',
      )
    }
    // Imported late, so that the other commands start without the driver.
    const { MessageSampler: Sampler } = await import('../../brokers/rabbitmq/sampling/message-sampler.ts')
    const sampler = new Sampler(brokerUrl)
    try {
      const exchangeType = await typeOf(sampler, given.exchange)
      // A binding of a direct exchange takes one key.
      if (exchangeType === 'DIRECT' && from === 'live' && key === '#')
        throw wrongUse(`--key: "${given.exchange}" is a direct exchange: give the routing key to read`)
      const query = { exchange: given.exchange, key, count }
      const messages =
        from === 'journal' ? await sampler.fromJournal(namespace, query) : await live(sampler, query, waitSeconds)
      if (messages.length === 0) throw new CommandFailure(nothingFound({ ...given, key, from }, namespace, waitSeconds))
      process.stderr.write(`Read ${messages.length} message${messages.length === 1 ? '' : 's'}\n`)
      const [{ infer }, { sampleOf }] = await Promise.all([
        import('../../events/inference/infer.ts'),
        import('../../events/inference/event-sample.ts'),
      ])
      const { exchange, field, examples } = given
      const options = { exchange, exchangeType, examples, ...(field === undefined ? {} : { field }) }
      printSdl(
        infer(
          messages.map((message) => sampleOf(message)),
          options,
        ),
        given.json,
        { messages: messages.length },
      )
    } finally {
      await sampler.close()
    }
  })
}

/** An interrupt ends the wait, and what was read so far counts. */
async function live(
  sampler: MessageSampler,
  query: Parameters<MessageSampler['live']>[0],
  waitSeconds: number,
): Promise<readonly Message[]> {
  process.stderr.write(`Waiting up to ${waitSeconds} s for ${query.count} messages; SIGINT ends the wait\n`)
  const stop = new AbortController()
  const end = (): void => stop.abort()
  const timer = setTimeout(end, waitSeconds * 1_000)
  process.once('SIGINT', end)
  try {
    return await sampler.live(query, stop.signal)
  } finally {
    clearTimeout(timer)
    process.removeListener('SIGINT', end)
  }
}

async function typeOf(sampler: MessageSampler, exchange: string): Promise<ExchangeType> {
  const type = await sampler.exchangeType(exchange)
  if (type === undefined) throw new CommandFailure(`--exchange: "${exchange}" does not exist`)
  return exchangeTypes.find((known) => known === type.toUpperCase()) ?? 'TOPIC'
}

function nothingFound(
  { exchange, key, from }: Required<Pick<InferOptions, 'exchange' | 'key' | 'from'>>,
  namespace: string,
  waitSeconds: number,
): string {
  const which = `of exchange "${exchange}"${key === '#' ? '' : ` with a key that matches "${key}"`}`
  return from === 'live'
    ? `no message ${which} was published within ${waitSeconds} s`
    : `the journal "${namespace}.journal" holds no message ${which}, because none was published or the exchange is no source; --from live reads the next ones`
}

function wholeNumber(flag: string, given: string | undefined, fallback: number, max: number): number {
  if (given === undefined) return fallback
  const number = /^[1-9]\d{0,8}$/.test(given) ? Number(given) : Number.NaN
  if (!(number <= max)) throw wrongUse(`${flag}: expected a whole number from 1 to ${max}, got "${given}"`)
  return number
}
