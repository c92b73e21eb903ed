import { join } from 'node:path'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { type Call, callerOf } from '../back-end/graphql-caller.ts'

/** Two gateways of one deployment on RabbitMQ, in the process of the test. */
export interface TwoReplicas extends AsyncDisposable {
  readonly vhost: TestVhost
  readonly a: InProcessGateway
  readonly b: InProcessGateway
  readonly onA: Call
  readonly onB: Call
  /** With the scope `observe` only. */
  readonly observer: Call
  readonly observerToken: string
}

/**
 * Resolves when both are up and know each other. `options`: of both, as for `openGateway`;
 * `optionsOfB`: what the second one has besides.
 */
export async function openTwoReplicas(
  name: string,
  options: Readonly<Record<string, string>> = {},
  optionsOfB: Readonly<Record<string, string>> = {},
): Promise<TwoReplicas> {
  const vhost = await testVhost(name)
  // The replicas of a deployment share a registry.
  const folder = newFolder()
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_DATA_DIR: join(folder, 'data'), ...options }
  const [a, b] = [await openGateway(env), await openGateway({ ...env, ...optionsOfB })]
  // A busy machine takes longer than the half second of the gateway.
  for (const { cluster } of [a, b]) cluster.gathering.answerMs = 20_000
  const onA = callerOf(a.graphqlUrl, a.operatorToken)
  const onB = callerOf(b.graphqlUrl, b.operatorToken)
  for (const call of [onA, onB]) {
    await eventually('two replicas that answer each other', async () => {
      const { replicas } = await call<{ replicas: { state: string }[] }>('{ replicas { state } }')
      return replicas.length === 2 && replicas.every(({ state }) => state === 'SERVING')
    })
  }
  const observerToken = await testToken({ scope: 'observe' })
  return {
    vhost,
    a,
    b,
    onA,
    onB,
    observer: callerOf(a.graphqlUrl, observerToken),
    observerToken,
    async [Symbol.asyncDispose]() {
      await b.close()
      await a.close()
      await vhost.close()
      removeFolder(folder)
    },
  }
}
