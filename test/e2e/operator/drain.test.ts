import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { listen, publish } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
beforeAll(async () => {
  replicas = await openTwoReplicas('drain')
})
afterAll(async () => replicas[Symbol.asyncDispose]())

const drain = `mutation Drain($replica: String!, $overSeconds: Int, $evenIfLast: Boolean) {
  drain(replica: $replica, overSeconds: $overSeconds, evenIfLast: $evenIfLast, reason: "a test") { name state }
}`
const undrain = 'mutation Undrain($replica: String!) { undrain(replica: $replica) { name state } }'

async function stateOf(name: string): Promise<string | undefined> {
  const { replicas: found } = await replicas.onB<{ replicas: { name: string; state: string }[] }>(
    '{ replicas { name state } }',
  )
  return found.find((one) => one.name === name)?.state
}

describe('a replica that another one is asked to drain', () => {
  test('ends the sessions of clients, keeps those of operators, and takes no others until undrain', async () => {
    const { a, b, onB, observerToken } = replicas
    const name = a.gateway.replica
    const token = await a.clientToken('erin')
    const client = await connectGraphql(a.graphqlSocketUrl, { connectionParams: { token } })
    client.subscribe('subscription { channel(clientId: "erin") { cursor } }')
    await using operator = await connectGraphql(a.graphqlSocketUrl, { connectionParams: { token: observerToken } })
    const stats = operator.subscribe('subscription { gatewayStats(every: 250) { replicas { state } } }')
    await eventually('the subscription', () => a.gateway.hub.countOf('erin') === 1)

    const { drain: drained } = await onB<{ drain: { state: string } }>(drain, { replica: name, overSeconds: 0 })
    expect(drained).toMatchObject({ name })
    expect(await client.closed).toMatchObject({ code: 1012 })
    await eventually('the end of the drain', async () => (await stateOf(name)) === 'DRAINED')
    await stats.nextMatching(({ data }) => JSON.stringify(data).includes('DRAINED'))
    await expect(connectGraphql(a.graphqlSocketUrl, { connectionParams: { token } })).rejects.toThrow(/503/)

    await using elsewhere = await listen(b.graphqlSocketUrl, token, { clientId: 'erin' })
    await eventually('the client elsewhere', () => b.gateway.hub.countOf('erin') === 1)
    await onB(publish, { input: { clientId: 'erin', data: 'moved' } })
    expect(await elsewhere.next()).toMatchObject({ data: 'moved' })

    // A drained replica still answers operators, so it can be put back there, too.
    await replicas.onA(undrain, { replica: name })
    await eventually('a replica that serves', async () => (await stateOf(name)) === 'SERVING')
    await using back = await connectGraphql(a.graphqlSocketUrl, { connectionParams: { token } })
    expect(await back.request('{ gateway { version } }')).toMatchObject({ data: { gateway: {} } })
  })

  test('spreads the end of its sessions, and undrain keeps those that are left', async () => {
    const { a, onB } = replicas
    const name = a.gateway.replica
    const token = await a.clientToken('frank')
    const clients = await Promise.all(
      Array.from({ length: 5 }, () => connectGraphql(a.graphqlSocketUrl, { connectionParams: { token } })),
    )
    const before = a.gateway.sessions.size
    await onB(drain, { replica: name, overSeconds: 3_600 })
    expect(await stateOf(name)).toBe('DRAINING')
    await onB(undrain, { replica: name })
    expect(await stateOf(name)).toBe('SERVING')
    // The first one ends at once, and the next is due after a fifth of the time.
    expect(a.gateway.sessions.size).toBe(before - 1)
    for (const client of clients) await client[Symbol.asyncDispose]()
  })
})

describe('a drain is refused', () => {
  test('for the last replica that serves, unless it is asked for', async () => {
    const { a, b, onB } = replicas
    await onB(drain, { replica: a.gateway.replica, overSeconds: 0 })
    const last = { replica: b.gateway.replica, overSeconds: 0 }
    await expect(onB(drain, last)).rejects.toThrow(/no other replica serves.*evenIfLast: true/)
    expect(b.gateway.draining).toBe(false)
    await onB(drain, { ...last, evenIfLast: true })
    expect(b.gateway.draining).toBe(true)
    for (const { gateway } of [a, b]) await onB(undrain, { replica: gateway.replica })
  })

  test('for an unknown replica, a time out of range, and an observer', async () => {
    const { a, onB, observer } = replicas
    await expect(onB(drain, { replica: 'none' })).rejects.toThrow(`expected the name of a replica`)
    const replica = a.gateway.replica
    await expect(onB(drain, { replica, overSeconds: -1 })).rejects.toThrow('overSeconds: expected 0 to 3600')
    await expect(observer(drain, { replica })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(observer(undrain, { replica })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(a.gateway.draining).toBe(false)
  })
})
