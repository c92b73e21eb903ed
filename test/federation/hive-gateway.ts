import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/network/ports.ts'
import { spawnGuarded } from '../support/processes/guarded-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

export interface HiveGateway extends AsyncDisposable {
  readonly url: string
}

export interface HiveOptions {
  readonly supergraph: string
  /** How it subscribes at its subgraphs. Default: server-sent events. */
  readonly subscribesOver?: 'sse' | 'ws' | 'http-callback'
  /** Default: a free one. */
  readonly port?: number
}

/** Hive Gateway as published on npm, with a configuration as its documentation shows. */
export async function startHiveGateway(options: HiveOptions): Promise<HiveGateway> {
  const { supergraph, subscribesOver = 'sse', port = await freePort() } = options
  const folder = newFolder()
  const file = join(folder, 'supergraph.graphql')
  writeFileSync(file, supergraph)
  const config = join(folder, 'gateway.config.mjs')
  writeFileSync(config, configText(subscribesOver, port))
  const child = spawnGuarded(
    process.execPath,
    [
      'node_modules/@graphql-hive/gateway/dist/bin.js',
      'supergraph',
      file,
      `--config-path=${config}`,
      '--host=127.0.0.1',
      `--port=${port}`,
      '--fork=1',
    ],
    { env: { PATH: process.env['PATH'] ?? '', HOME: folder, NODE_ENV: 'production' }, output: 'pipe' },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const url = `http://127.0.0.1:${port}/graphql`
  const end = async () => {
    child.kill('SIGKILL')
    await exited
    removeFolder(folder)
  }
  try {
    const answers = async () => {
      if (child.exitCode !== null) throw new Error(`Hive Gateway has ended: ${output}`)
      const response = await fetch(`http://127.0.0.1:${port}/readiness`).catch(() => undefined)
      return response?.ok === true
    }
    await eventually('Hive Gateway to answer', answers, { withinMs: 120_000 })
  } catch (error) {
    await end()
    throw new Error(`Hive Gateway did not start: ${output}`, { cause: error })
  }
  return { url, [Symbol.asyncDispose]: end }
}

function configText(subscribesOver: 'sse' | 'ws' | 'http-callback', port: number): string {
  return `
  import { MemPubSub } from ${JSON.stringify(import.meta.resolve('@graphql-hive/pubsub'))}
  export const gatewayConfig = {
    propagateHeaders: {
      fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') ?? undefined }),
    },
    ${subscriptionsText(subscribesOver, port)}
  }`
}

function subscriptionsText(subscribesOver: 'sse' | 'ws' | 'http-callback', port: number): string {
  const entries = (subscriptions: string) =>
    `transportEntries: { '*.http': { options: { subscriptions: { ${subscriptions} } } } },`
  if (subscribesOver === 'ws')
    return entries(`kind: 'ws', options: { connectionParams: { authorization: '{context.headers.authorization}' } }`)
  if (subscribesOver === 'http-callback')
    return `webhooks: true, pubsub: new MemPubSub(), ${entries(
      `kind: 'http-callback', headers: [['authorization', '{context.headers.authorization}']],
       options: { public_url: 'http://127.0.0.1:${port}/callback', path: '/callback', heartbeat_interval: 12_000 }`,
    )}`
  return ''
}
