import { join } from 'node:path'
import { type App, openApp } from '../../../src/app/open.ts'
import { hmacSigner } from '../../../src/auth/tokens/jwt.ts'
import { load } from '../../../src/config/load/load.ts'
import type { Gateway } from '../../../src/core/gateway.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { eventually } from '../eventually.ts'
import { freePort } from '../network/ports.ts'
import { newFolder, removeFolder } from '../processes/run-folder.ts'
import { ampleRate, type GatewayProcess, testSecret } from './gateway-process.ts'

export interface InProcessGateway extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  readonly graphqlUrl: string
  readonly graphqlSocketUrl: string
  /** Not a number unless the options name one. */
  readonly opsPort: number
  /** The running core, for tests that inspect it. */
  readonly gateway: Gateway
  /** The other replicas, as this one knows them. */
  readonly cluster: App['cluster']
  /** The text of `/metrics`. */
  metrics(): Promise<string>
  /** A token for one client's channel. */
  clientToken(clientId: string): Promise<string>
  readonly operatorToken: string
  /** A token with the scope `publish` only. */
  readonly publisherToken: string
  /** Reads the options again, as SIGHUP does, with these changes. */
  reload(changes?: Readonly<Record<string, string>>): void
  close(): Promise<void>
}

/**
 * A whole gateway in the process of the test, by default with `memory:`, for tests that need no
 * process of their own. `options` are those of its environment (`WARREN_…`). A free port, a
 * temporary data folder and a known secret are preset.
 */
export async function openGateway(options: Readonly<Record<string, string>> = {}): Promise<InProcessGateway> {
  const folder = newFolder()
  const env = {
    WARREN_PORT: String(await freePort()),
    WARREN_OPS_PORT: 'off',
    WARREN_TCP_PORT: 'off',
    WARREN_DATA_DIR: join(folder, 'data'),
    WARREN_JWT_SECRET: testSecret,
    WARREN_DRAIN: '0s',
    WARREN_LOG_LEVEL: 'error',
    WARREN_LOG_FORMAT: 'json',
    ...ampleRate,
    ...options,
  }
  const metrics = createMetrics()
  let app: App
  try {
    app = await openApp(load({ argv: [], env, readFile: refuse }), { metrics })
  } catch (error) {
    removeFolder(folder)
    throw error
  }
  const signer = hmacSigner({ secret: testSecret })
  const token = async (clientId: string | undefined, scope: readonly string[]) =>
    (await signer.sign({ clientId, scope, ttlSeconds: 86_400 })).token
  const base = `127.0.0.1:${env.WARREN_PORT}`
  const close = async () => {
    await app.close()
    removeFolder(folder)
  }
  return {
    url: `http://${base}`,
    graphqlUrl: `http://${base}/graphql`,
    graphqlSocketUrl: `ws://${base}/graphql`,
    opsPort: Number(env.WARREN_OPS_PORT),
    gateway: app.gateway,
    cluster: app.cluster,
    metrics: () => metrics.print(),
    clientToken: (clientId) => token(clientId, []),
    operatorToken: await token(undefined, ['operator']),
    publisherToken: await token(undefined, ['publish']),
    reload: (changes = {}) => app.reload(() => load({ argv: [], env: { ...env, ...changes }, readFile: refuse })),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** What is the same whether a gateway runs in a process of its own or in that of the test. */
export type ReachableGateway = Omit<InProcessGateway, 'gateway' | 'cluster'> &
  Pick<GatewayProcess, 'env' | 'address' | 'port' | 'opsPort' | 'tcpPort' | 'dataDir' | 'metrics'>

/**
 * The same as `startGateway` without a process, which takes a second of CPU to start: with all
 * ports, and ready. For tests that send no signal to it, and read neither its output nor its memory.
 */
export async function openReachable(options: Readonly<Record<string, string>> = {}): Promise<ReachableGateway> {
  const [opsPort, tcpPort] = [await freePort(), await freePort()]
  const folder = newFolder()
  const env = {
    WARREN_PORT: String(await freePort()),
    WARREN_OPS_PORT: String(opsPort),
    WARREN_TCP_PORT: String(tcpPort),
    WARREN_DATA_DIR: join(folder, 'data'),
    WARREN_JWT_SECRET: testSecret,
    ...options,
  }
  const { gateway: _, cluster: _cluster, ...opened } = await openGateway(env)
  const close = async () => {
    await opened.close()
    removeFolder(folder)
  }
  const ops = `http://127.0.0.1:${opsPort}`
  const isReady = async () => (await fetch(`${ops}/readyz`)).status === 200
  await eventually('the gateway to be ready', isReady).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    ...opened,
    env,
    address: '127.0.0.1',
    port: Number(env.WARREN_PORT),
    opsPort,
    tcpPort,
    dataDir: env.WARREN_DATA_DIR,
    metrics: async () => (await fetch(`${ops}/metrics`)).text(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function refuse(path: string): never {
  throw new Error(`${path}: a gateway under test reads no files that its options name`)
}
