import { randomBytes } from 'node:crypto'
import type { ChannelModel } from 'amqplib'
import type { Finding } from '../../core/finding.ts'
import { GatewayError } from '../../errors.ts'
import { type BrokerAddress, parseAddress } from './address.ts'
import { connect } from './connect.ts'
import { checkExchangeType, exchangeExists } from './exchange.ts'
import { describeFailure } from './failure.ts'
import { repliedWith, replyCodes, replyOf } from './reply.ts'
import { onChannel } from './short-lived-channel.ts'
import { examineReadability } from './unreadable-offsets.ts'
import { within } from './within.ts'

const connectMs = 5_000
/** How long a confirmation or a message may take, in milliseconds: RabbitMQ holds publishers up while an alarm lasts. */
const trialMs = 5_000
/** The first with streams, and the first that Warren is tested on. */
const versions = { least: [3, 9], tested: [3, 10] } as const

interface Server {
  readonly product: string
  readonly version: string
  readonly cluster: string
}

/** Looks at RabbitMQ as a gateway of this namespace will use it. What it makes to try things out is gone when it resolves. Never rejects. */
export async function examineRabbit(urls: readonly string[], namespace: string): Promise<Finding[]> {
  const findings: Finding[] = []
  const clusters = new Set<string>()
  let tried = false
  for (const address of urls.map(parseAddress)) {
    const cut = new AbortController()
    let connection: ChannelModel
    try {
      connection = await connect(address, 'warren doctor', connectMs, cut)
    } catch (error) {
      findings.push({
        check: 'broker',
        status: 'fail',
        text: describeFailure(error, address),
        advice: reachIt(address),
      })
      continue
    }
    connection.on('error', () => undefined)
    const server = serverOf(connection)
    clusters.add(server.cluster)
    findings.push(ofServer(server, address))
    if (!tried) {
      tried = true
      findings.push(
        ...(await trial(connection, address, namespace)),
        ...(await standing(connection, address, namespace)),
      )
    }
    await within(connectMs, connection.close())
    cut.abort()
  }
  if (clusters.size > 1) {
    findings.push({
      check: 'cluster',
      status: 'fail',
      text: `WARREN_BROKER_URL names nodes of different clusters: ${[...clusters].join(', ')}`,
      advice: 'give the nodes of one cluster',
    })
  } else if (clusters.size === 1) {
    const nodes = urls.length === 1 ? 'one node is named' : `${urls.length} nodes are named`
    findings.push({ check: 'cluster', status: 'ok', text: `${[...clusters].join()}; ${nodes}` })
  }
  return findings
}

function serverOf({ connection }: ChannelModel): Server {
  const properties = connection.serverProperties as unknown as Record<string, unknown>
  const text = (name: string) => (typeof properties[name] === 'string' ? properties[name] : 'unknown')
  return { product: text('product'), version: text('version'), cluster: text('cluster_name') }
}

function ofServer({ product, version }: Server, { host, port, tls }: BrokerAddress): Finding {
  const text = `${product} ${version} at ${host}:${port}${tls ? ' over TLS' : ''}`
  if (product !== 'RabbitMQ') {
    return {
      check: 'broker',
      status: 'fail',
      text,
      advice: 'Warren needs streams, which are RabbitMQ’s: use RabbitMQ 3.10 or later',
    }
  }
  const older = (than: readonly [number, number]) => {
    const [major = 0, minor = 0] = version.split('.').map(Number)
    return major < than[0] || (major === than[0] && minor < than[1])
  }
  if (older(versions.least))
    return { check: 'broker', status: 'fail', text, advice: 'it has no streams: update it to 3.10 or later' }
  if (older(versions.tested))
    return { check: 'broker', status: 'warn', text, advice: 'Warren is tested on 3.10 and later' }
  return { check: 'broker', status: 'ok', text }
}

/** Does with names of its own what the gateway does: declare, bind, publish, read a stream. Stops at the first thing that is refused. */
async function trial(connection: ChannelModel, address: BrokerAddress, namespace: string): Promise<Finding[]> {
  const name = `${namespace}.doctor.${randomBytes(6).toString('hex')}`
  const steps: [check: string, text: string, step: () => Promise<unknown>][] = [
    [
      'permissions',
      `user "${address.user}" may declare, bind, write and read what begins with "${namespace}."`,
      async () => {
        await onChannel(connection, (channel) => channel.assertExchange(name, 'topic', { durable: false }))
        await onChannel(connection, async (channel) => {
          await channel.assertQueue(`${name}.queue`, { exclusive: true, durable: false })
          await channel.bindQueue(`${name}.queue`, name, '#')
        })
      },
    ],
    [
      'streams',
      'a stream can be declared, bound, written and read',
      async () => {
        const limits = { 'x-queue-type': 'stream', 'x-max-length-bytes': 1_000_000 }
        await onChannel(connection, async (channel) => {
          await channel.assertQueue(name, { durable: true, arguments: limits })
          await channel.bindQueue(name, name, '#')
        })
        await publish(connection, name)
        await readBack(connection, name)
      },
    ],
  ]
  const findings: Finding[] = []
  try {
    for (const [check, text, step] of steps) {
      await step()
      findings.push({ check, status: 'ok', text })
    }
  } catch (error) {
    const check = steps[findings.length]?.[0] ?? 'broker'
    findings.push({ check, ...refusal(error, address, namespace) })
  }
  for (const remove of [
    () => onChannel(connection, (channel) => channel.deleteQueue(`${name}.queue`)),
    () => onChannel(connection, (channel) => channel.deleteQueue(name)),
    () => onChannel(connection, (channel) => channel.deleteExchange(name)),
  ]) {
    await within(connectMs, Promise.resolve().then(remove))
  }
  return findings
}

async function publish(connection: ChannelModel, exchange: string): Promise<void> {
  const channel = await connection.createConfirmChannel()
  channel.on('error', () => undefined)
  const confirmed = new Promise<void>((resolve, reject) => {
    channel.on('error', reject)
    channel.publish(exchange, 'doctor', Buffer.from('examined'), {}, (error) =>
      error ? reject(error as Error) : resolve(),
    )
  })
  await inTime(confirmed, 'RabbitMQ did not confirm a message: an alarm (memory, disk) holds publishers up')
  await channel.close()
}

async function readBack(connection: ChannelModel, stream: string): Promise<void> {
  await onChannel(connection, async (channel) => {
    await channel.prefetch(1)
    const came = new Promise<void>((resolve, reject) => {
      channel.on('error', reject)
      channel.consume(stream, () => resolve(), { arguments: { 'x-stream-offset': 'first' } }).catch(reject)
    })
    await inTime(came, 'a message that was written to a stream did not come back')
  })
}

/** What stands already has to be what the gateway expects. */
async function standing(connection: ChannelModel, address: BrokerAddress, namespace: string): Promise<Finding[]> {
  const journal = `${namespace}.journal`
  const events = `${namespace}.events`
  const findings: Finding[] = []
  try {
    const held = await onChannel(connection, (channel) => channel.checkQueue(journal)).then(
      ({ messageCount }) => messageCount,
      (error: unknown) => {
        if (repliedWith(error, replyCodes.notFound)) return undefined
        throw error
      },
    )
    if (held !== undefined) await demandStream(connection, journal)
    const text = held === undefined ? 'is not there yet: the gateway makes it' : `is a stream of ${held} messages`
    findings.push({ check: 'journal', status: 'ok', text: `"${journal}" ${text}` })
    if (held !== undefined) findings.push(...(await examineReadability(address, journal)))
  } catch (error) {
    const advice = 'remove it, or choose another WARREN_NAMESPACE'
    findings.push({ check: 'journal', status: 'fail', text: describeFailure(error, address), advice })
  }
  try {
    if (await exchangeExists(connection, events)) await checkExchangeType(connection, events, 'topic')
  } catch (error) {
    const advice = 'remove it, or choose another WARREN_NAMESPACE'
    findings.push({ check: 'exchange', status: 'fail', text: describeFailure(error, address), advice })
  }
  return findings
}

/** Its arguments can't be read over AMQP; declaring it again is refused with the first that differs. */
async function demandStream(connection: ChannelModel, name: string): Promise<void> {
  try {
    await onChannel(connection, (channel) =>
      channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'stream' } }),
    )
  } catch (error) {
    if (!/inequivalent arg 'x-(max|stream)-/.test(String(error))) throw error
  }
}

function refusal(error: unknown, address: BrokerAddress, namespace: string): Omit<Finding, 'check'> {
  const text = describeFailure(error, address)
  if (replyOf(error)?.code === replyCodes.accessRefused) {
    const pattern = `'^(${namespace}\\.|wsmanager$|towsmanager$)'`
    const advice = `rabbitmqctl set_permissions -p '${address.virtualHost}' '${address.user}' ${pattern} ${pattern} '.*'; sources beyond the namespace need read on their exchanges`
    return { status: 'fail', text, advice }
  }
  if (error instanceof GatewayError) {
    return { status: 'fail', text, advice: 'look for alarms with rabbitmq-diagnostics alarms' }
  }
  return {
    status: 'fail',
    text,
    advice: 'enable all feature flags (rabbitmqctl enable_feature_flag all); streams need stream_queue',
  }
}

function reachIt({ host, port }: BrokerAddress): string {
  return `check WARREN_BROKER_URL, and that ${host}:${port} can be reached from here`
}

async function inTime(promise: Promise<void>, otherwise: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new GatewayError('BROKER_UNAVAILABLE', otherwise)), trialMs)
  })
  try {
    await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
