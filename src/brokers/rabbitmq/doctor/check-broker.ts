import type { Finding } from '../../../core/ports/finding.ts'
import { withDeadline } from '../../../core/timing/deadline.ts'
import { type BrokerAddress, parseAddress } from '../connection/address.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { connect } from '../connection/connect.ts'
import { describeFailure } from '../connection/describe-failure.ts'
import { isOlder } from './broker-version.ts'
import {
  checkExisting,
  checkPublishing,
  checkQueueLimit,
  checkQueueTypes,
  checkRights,
  type Trial,
} from './check-rights.ts'
import { checkLeaderChanges } from './check-version.ts'
import type { Names } from './rights.ts'

const connectMs = 5_000
/** The time limit for all checks on a node, in milliseconds. A node may freeze at any step. */
const defaultTrialMs = 15_000
const rabbitmq = 'RabbitMQ'
/** The first version with streams, and the first version that Warren is tested on. */
const versions = { minimum: [3, 9], tested: [3, 10] } as const

interface Server {
  readonly product: string
  readonly version: string
  readonly cluster: string
}

/** A node, and the connection to it if it could be opened. */
interface Reached {
  readonly address: BrokerAddress
  readonly finding: Finding
  readonly connection?: ChannelModel
  readonly server?: Server
}

/**
 * Checks RabbitMQ as a gateway with these names will use it, within 25 s. Everything that it
 * declares is exclusive to its connection, so RabbitMQ deletes it when the connection ends. Never
 * rejects.
 */
export async function checkBroker(
  urls: readonly string[],
  names: Promise<Names>,
  { trialMs = defaultTrialMs } = {},
): Promise<Finding[]> {
  const cut = new AbortController()
  const nodes = await Promise.all(urls.map((url) => reach(parseAddress(url), cut)))
  const findings = nodes.map(({ finding }) => finding)
  const first = nodes.find(({ connection }) => connection !== undefined)
  if (first?.connection) findings.push(...(await runChecks(first.connection, first.address, await names, trialMs)))
  // An orderly close would wait for a node that no longer reads.
  cut.abort()
  const versionsFound = nodes.flatMap(({ server }) => (server?.product === rabbitmq ? [server.version] : []))
  return [...findings, ...findingsOfCluster(nodes), ...checkLeaderChanges(versionsFound)]
}

async function reach(address: BrokerAddress, cut: AbortController): Promise<Reached> {
  const own = new AbortController()
  cut.signal.addEventListener('abort', () => own.abort())
  try {
    const connection = await connect(address, 'warren doctor', connectMs, own)
    connection.on('error', () => undefined)
    const server = serverOf(connection)
    return { address, connection, server, finding: findingOfServer(server, address) }
  } catch (error) {
    const advice = `check WARREN_BROKER_URL, and that ${address.host}:${address.port} can be reached from here`
    return { address, finding: { check: 'broker', status: 'fail', text: describeFailure(error, address), advice } }
  }
}

/**
 * Runs one check after another. Publishing is the last one, because an alarm blocks everything that
 * follows a publish.
 */
async function runChecks(
  connection: ChannelModel,
  address: BrokerAddress,
  names: Names,
  trialMs: number,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const trial: Trial = { connection, address, names }
  const steps = async (): Promise<void> => {
    findings.push(...(await checkRights(trial)))
    // Without the permissions the other checks would fail.
    if (findings.some(({ status }) => status === 'fail')) return
    for (const step of [checkQueueTypes, checkQueueLimit, checkExisting, checkPublishing]) {
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

function findingsOfCluster(nodes: readonly Reached[]): Finding[] {
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

function findingOfServer({ product, version }: Server, { host, port, tls }: BrokerAddress): Finding {
  const text = `${product} ${version} at ${host}:${port}${tls ? ' over TLS' : ''}`
  if (product !== rabbitmq) {
    return {
      check: 'broker',
      status: 'fail',
      text,
      advice: 'Warren needs the streams of RabbitMQ: use RabbitMQ 3.10 or later',
    }
  }
  if (isOlder(version, versions.minimum))
    return { check: 'broker', status: 'fail', text, advice: 'it has no streams: update it to 3.10 or later' }
  if (isOlder(version, versions.tested))
    return { check: 'broker', status: 'warn', text, advice: 'Warren is tested on 3.10 and later' }
  return { check: 'broker', status: 'ok', text }
}
