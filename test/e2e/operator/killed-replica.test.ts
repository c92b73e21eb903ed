import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { type Call, callerOf, listen } from '../back-end/graphql-caller.ts'

let vhost: TestVhost
let a: ReachableGateway
let b: GatewayProcess
let call: Call
beforeAll(async () => {
  vhost = await testVhost('killed')
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_PRESENCE_GRACE: '1s' }
  a = await openReachable(env)
  b = await startGateway({ env: { ...env, WARREN_DATA_DIR: a.dataDir } })
  call = callerOf(a.graphqlUrl, await testToken({ scope: 'operator' }))
})
afterAll(async () => {
  await b[Symbol.asyncDispose]()
  await a[Symbol.asyncDispose]()
  await vhost.close()
})

const states = async (): Promise<Record<string, string>> => {
  const { replicas } = await call<{ replicas: { name: string; state: string }[] }>('{ replicas { name state } }')
  return Object.fromEntries(replicas.map(({ name, state }) => [name.slice(name.lastIndexOf(':') + 1), state]))
}

test('a replica that was killed is named as silent, and its clients go offline', async () => {
  await eventually('both replicas', async () => {
    const found = await states()
    return found[a.port] === 'SERVING' && found[b.port] === 'SERVING'
  })
  await using watcher = await connectGraphql(a.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ scope: 'observe' }) },
  })
  const changes = watcher.subscribe('subscription { presenceChanged(clientIds: ["pia"]) { online } }')
  await changes.next()
  const pia = await listen(b.graphqlSocketUrl, await testToken({ sub: 'pia' }), { clientId: 'pia' })
  expect((await changes.next()).data).toEqual({ presenceChanged: { online: true } })
  await b.kill()
  await pia.closed
  expect((await states())[b.port]).toBe('SILENT')
  const { accounts } = await call<{ accounts: { byReplica: unknown[]; unanswered: string[] } }>(
    '{ accounts { byReplica { replica } unanswered } }',
  )
  expect(accounts.byReplica).toHaveLength(1)
  expect(accounts.unanswered).toEqual([expect.stringContaining(`:${b.port}`)])
  expect((await changes.next()).data).toEqual({ presenceChanged: { online: false } })
})
