import type { Finding } from '../../../core/ports/finding.ts'
import { withDeadline } from '../../../core/timing/deadline.ts'
import { type BrokerAddress, parseAddress } from '../connection/address.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { connect } from '../connection/connect.ts'
import { describeFailure } from '../connection/describe-failure.ts'
import { isOlder } from './broker-version.ts'
import {
  examinePublishing,
  examineQueueLimit,
  examineQueueTypes,
  examineRights,
  examineStanding,
  type Trial,
} from './check-rights.ts'
import { examineLeaderChanges } from './check-version.ts'
import type { Names } from './rights.ts'

const connectMs = 5_000
/** For everything that is tried on a node, in milliseconds: a node may freeze at any step. */
const defaultTrialMs = 15_000
const rabbitmq = 'RabbitMQ'
/** The first with streams, and the first that Warren is tested on. */
const versions = { least: [3, 9], tested: [3, 10] } as const

interface Server {
  readonly product: string
  readonly version: string
  readonly cluster: string
}

/** A node, and the connection to it where there is one. */
interface Reached {
  readonly address: BrokerAddress
  readonly finding: Finding
  readonly connection?: ChannelModel
  readonly server?: Server
}

/**
 * Looks at RabbitMQ as a gateway of these names will use it, within 25 s. All that it makes is
 * exclusive to its connection, and so goes with it however it ends. Never rejects.
 */
export async function examineRabbit(
  urls: readonly string[],
  names: Promise<Names>,
  { trialMs = defaultTrialMs } = {},
): Promise<Finding[]> {
  const cut = new AbortController()
  const nodes = await Promise.all(urls.map((url) => reach(parseAddress(url), cut)))
  const findings = nodes.map(({ finding }) => finding)
  const first = nodes.find(({ connection }) => connection !== undefined)
  if (first?.connection) findings.push(...(await tryOut(first.connection, first.address, await names, trialMs)))
  // Closing in order would wait for a node that reads nothing more.
  cut.abort()
  const versionsFound = nodes.flatMap(({ server }) => (server?.product === rabbitmq ? [server.version] : []))
  return [...findings, ...ofCluster(nodes), ...examineLeaderChanges(versionsFound)]
}

async function reach(address: BrokerAddress, cut: AbortController): Promise<Reached> {
  const own = new AbortController()
  cut.signal.addEventListener('abort', () => own.abort())
  try {
    const connection = await connect(address, 'warren doctor', connectMs, own)
    connection.on('error', () => undefined)
    const server = serverOf(connection)
    return { address, connection, server, finding: ofServer(server, address) }
  } catch (error) {
    const advice = `check WARREN_BROKER_URL, and that ${address.host}:${address.port} can be reached from here`
    return { address, finding: { check: 'broker', status: 'fail', text: describeFailure(error, address), advice } }
  }
}

/** One step after another, the publication last: an alarm freezes what comes behind it. */
async function tryOut(
  connection: ChannelModel,
  address: BrokerAddress,
  names: Names,
  trialMs: number,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const trial: Trial = { connection, address, names }
  const steps = async (): Promise<void> => {
    findings.push(...(await examineRights(trial)))
    // Without the rights there is nothing to try.
    if (findings.some(({ status }) => status === 'fail')) return
    for (const step of [examineQueueTypes, examineQueueLimit, examineStanding, examinePublishing]) {
      findings.push(...(await step(trial)))
    }
  }
  try {
    await withDeadline(trialMs, steps(), () => new Error(`it does not answer within ${trialMs / 1000} s`))
  } catch (error) {
    findings.push({ check: 'broker', status: 'fail', text: describeFailure(error, address) })
  }
  return findings
}

function ofCluster(nodes: readonly Reached[]): Finding[] {
  const clusters = [...new Set(nodes.flatMap(({ server }) => server?.cluster ?? []))]
  if (clusters.length > 1) {
    const text = `WARREN_BROKER_URL names nodes of different clusters: ${clusters.join(', ')}`
    return [{ check: 'cluster', status: 'fail', text, advice: 'give the nodes of one cluster' }]
  }
  const named = nodes.length === 1 ? 'one node is named' : `${nodes.length} nodes are named`
  return clusters.map((cluster) => ({ check: 'cluster', status: 'ok', text: `${cluster}; ${named}` }))
}

function serverOf({ connection }: ChannelModel): Server {
  const properties = connection.serverProperties as unknown as Record<string, unknown>
  const text = (name: string) => (typeof properties[name] === 'string' ? properties[name] : 'unknown')
  return { product: text('product'), version: text('version'), cluster: text('cluster_name') }
}

function ofServer({ product, version }: Server, { host, port, tls }: BrokerAddress): Finding {
  const text = `${product} ${version} at ${host}:${port}${tls ? ' over TLS' : ''}`
  if (product !== rabbitmq) {
    return {
      check: 'broker',
      status: 'fail',
      text,
      advice: 'Warren needs streams, which are RabbitMQ’s: use RabbitMQ 3.10 or later',
    }
  }
  if (isOlder(version, versions.least))
    return { check: 'broker', status: 'fail', text, advice: 'it has no streams: update it to 3.10 or later' }
  if (isOlder(version, versions.tested))
    return { check: 'broker', status: 'warn', text, advice: 'Warren is tested on 3.10 and later' }
  return { check: 'broker', status: 'ok', text }
}
