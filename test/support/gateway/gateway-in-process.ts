import { join } from 'node:path'
import { type App, openApp } from '../../../src/app/open.ts'
import { hmacSigner } from '../../../src/auth/tokens/jwt.ts'
import { load } from '../../../src/config/load/load.ts'
import type { Gateway } from '../../../src/core/gateway.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { freePort } from '../network/ports.ts'
import { newFolder, removeFolder } from '../processes/run-folder.ts'
import { testSecret } from './gateway-process.ts'

export interface InProcessGateway extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  readonly graphqlUrl: string
  readonly graphqlSocketUrl: string
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
    gateway: app.gateway,
    cluster: app.cluster,
    metrics: () => metrics.print(),
    clientToken: (clientId) => token(clientId, []),
    operatorToken: await token(undefined, ['operator']),
    publisherToken: await token(undefined, ['publish']),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function refuse(path: string): never {
  throw new Error(`${path}: a gateway under test reads no files that its options name`)
}
