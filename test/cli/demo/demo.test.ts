import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Call, callerOf } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { type GatewayProcess, runWarren, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { repetitions } from '../../support/repetitions.ts'

let gateway: GatewayProcess
let token: string
let call: Call
beforeAll(async () => {
  gateway = await startGateway({ env: { WARREN_DEMO: 'on', WARREN_PRESENCE_GRACE: '1s' } })
  token = await testToken({ scope: 'operator' })
  call = callerOf(`http://127.0.0.1:${gateway.opsPort}/graphql`, token)
})
afterAll(async () => gateway[Symbol.asyncDispose]())

interface Client {
  readonly clientId: string
  readonly transports: readonly string[]
  readonly slow: boolean
  readonly pending: number
  readonly delivered: number
}

const clients = async () =>
  (await call<{ clients: { nodes: Client[] } }>('{ clients { nodes { clientId transports slow pending delivered } } }'))
    .clients.nodes

/** Whether a courier is seen going offline, which none does before 25 s. */
const leaving = repetitions(0, 1) === 1

describe('the demo', () => {
  test('prints the link of the console, and what to look at first', async () => {
    await gateway.printed(new RegExp(`console +http://127\\.0\\.0\\.1:${gateway.opsPort}/console\\n`))
    await gateway.printed(/In the console, look first at:\n.*Overview/)
  })

  test('delivers to clients over several transports, and one of them is slow', async () => {
    await eventually('deliveries to all, and a slow client', async () => {
      const all = await clients()
      const byId = new Map(all.map((client) => [client.clientId, client]))
      const delivers = ['alice', 'bob', 'carol', 'dave', 'dispatch'].every((id) => (byId.get(id)?.delivered ?? 0) > 0)
      return delivers && byId.get('tablet-17')?.slow === true
    })
    const transports = new Set((await clients()).flatMap((client) => client.transports))
    expect(transports).toEqual(new Set(['graphql-ws', 'sse', 'socketcluster', 'tcp']))
  })

  test('publishes messages that match no client, each with a reason', async () => {
    const reasons = ['"/customer/id" is not in the body', 'it has no header "customer-id"']
    const query = '{ sources { unmatched { reason count } } }'
    await eventually('the reasons', async () => {
      const { sources } = await call<{ sources: { unmatched: { reason: string; count: number }[] }[] }>(query)
      const found = sources.flatMap(({ unmatched }) => unmatched.map(({ reason }) => reason))
      return reasons.every((reason) => found.includes(reason))
    })
    // The overview counts what the sources count.
    await using observer = await connectGraphql(`ws://127.0.0.1:${gateway.opsPort}/graphql`, {
      connectionParams: { token },
    })
    const stats = observer.subscribe('subscription { gatewayStats(every: 250) { withoutClient { total } } }')
    await eventually('the same number on the overview and in the sources', async () => {
      const { data } = await stats.nextMatching(() => true)
      const overview = data?.['gatewayStats'] as { withoutClient: { total: number } } | undefined
      const { sources } = await call<{ sources: { unmatched: { count: number }[] }[] }>(query)
      const counts = sources.flatMap(({ unmatched }) => unmatched.map(({ count }) => count))
      const all = counts.reduce((sum, count) => sum + count, 0)
      return all > 0 && overview?.withoutClient.total === all
    })
    const lost = '{ trace(messageId: "order-17-created") { messages { explanation } } }'
    const { explanation } = await eventually('order 17', async () => {
      const { trace } = await call<{ trace: { messages: { explanation: string }[] }[] }>(lost)
      return trace[0]?.messages[0]
    })
    expect(explanation).toBe(
      'No source found a client: "/customer/id" is not in the body. No subscription of a typed field wanted it.',
    )
  })

  test('fills the quarantine with bodies that cannot be read and values of the wrong type', async () => {
    const query = '{ quarantine { nodes { reason } } }'
    await eventually('both reasons', async () => {
      const { quarantine } = await call<{ quarantine: { nodes: { reason: string }[] } }>(query)
      const found = quarantine.nodes.map(({ reason }) => reason)
      return found.includes('broken-json') && found.includes('schema')
    })
  })

  test(`has couriers that come${leaving ? ' and go' : ''}`, async () => {
    const url = `ws://127.0.0.1:${gateway.opsPort}/graphql`
    await using observer = await connectGraphql(url, { connectionParams: { token } })
    const changes = observer.subscribe('subscription { presenceChanged { clientId online } }')
    for (const online of leaving ? [true, false] : [true]) {
      await changes.nextMatching(({ data }) => {
        const change = data?.['presenceChanged'] as { clientId: string; online: boolean }
        return change.clientId.startsWith('c-') && change.online === online
      })
    }
  })

  test('has accounts that agree, and stays in bounds', async () => {
    const { accounts } = await call<{ accounts: { total: { difference: number } } }>(
      '{ accounts { total { difference } } }',
    )
    expect(accounts.total.difference).toBe(0)
    const { replicas } = await call<{ replicas: { hotWindow: { bytes: number } }[] }>(
      '{ replicas { hotWindow { bytes } } }',
    )
    expect(replicas[0]?.hotWindow.bytes).toBeLessThan(48 * 1024 * 1024)
  })

  test('ends on Ctrl-C at once, with nothing left to end', async () => {
    const begun = Date.now()
    process.kill(gateway.pid, 'SIGINT')
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
    // The default drain takes half a minute.
    expect(Date.now() - begun).toBeLessThan(25_000)
  })
})

describe('the demo is refused', () => {
  test.each([
    ['WARREN_BROKER_URL', 'amqp://user:password@rabbit.example', 'another one'],
    ['WARREN_DATABASE_URL', 'postgres://user:password@db.example/warren', 'a database'],
  ])('with %s, and the error names both options and no secret', async (name, value, what) => {
    const { code, stderr } = await runWarren(['start'], { WARREN_DEMO: 'on', [name]: value })
    expect(code).toBe(2)
    expect(stderr).toContain('WARREN_DEMO: on')
    expect(stderr).toContain(`${name} names ${what}`)
    expect(stderr).not.toContain('password')
  })
})
