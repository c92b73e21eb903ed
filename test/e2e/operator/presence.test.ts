import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConsumeMessage } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { callerOf, listen } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
let connection: ChannelModel
/** What a back end receives. */
const received = new Inbox<ConsumeMessage>('a change of presence')
beforeAll(async () => {
  replicas = await openTwoReplicas('presence', { WARREN_PRESENCE_GRACE: '1s' })
  connection = await amqp.connect(replicas.vhost.url)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'warren.presence', '*.pia')
  await channel.consume(queue, (message) => message && received.push(message), { noAck: true })
})
afterAll(async () => {
  await connection.close()
  await replicas[Symbol.asyncDispose]()
})

const state = '{ presence(clientIds: ["pia"]) { clientId online lastSeen } }'

describe('presence', () => {
  test('is published, pushed to subscribers and read on every replica, and outlives the sessions', async () => {
    const { a, b, onA, onB } = replicas
    await using watcher = await connectGraphql(b.graphqlSocketUrl, {
      connectionParams: { token: await testToken({ sub: 'back-end', scope: 'channel:pia' }) },
    })
    const changes = watcher.subscribe('subscription { presenceChanged(clientIds: ["pia"]) { clientId online } }')
    expect((await changes.next()).data).toEqual({ presenceChanged: { clientId: 'pia', online: false } })
    const onReplicaA = await listen(a.graphqlSocketUrl, await a.clientToken('pia'), { clientId: 'pia' })
    expect((await changes.next()).data).toEqual({ presenceChanged: { clientId: 'pia', online: true } })
    const came = await received.next()
    expect(came.fields.routingKey).toBe('online.pia')
    expect(JSON.parse(came.content.toString())).toEqual({ clientId: 'pia', online: true, at: expect.any(String) })
    expect(await onB(state)).toEqual({ presence: [{ clientId: 'pia', online: true, lastSeen: expect.any(String) }] })

    await onReplicaA[Symbol.asyncDispose]()
    expect((await changes.next()).data).toEqual({ presenceChanged: { clientId: 'pia', online: false } })
    expect((await received.next()).fields.routingKey).toBe('offline.pia')
    for (const call of [onA, onB]) {
      const { presence } = await eventually('the time of the last session', async () => {
        const answer = await call<{ presence: { lastSeen: string | null }[] }>(state)
        return answer.presence[0]?.lastSeen !== null && answer
      })
      expect(presence).toEqual([{ clientId: 'pia', online: false, lastSeen: expect.any(String) }])
    }
    expect(received.waiting).toEqual([])
  })

  test('of a registered client is on its channel', async () => {
    const { a, b, onA } = replicas
    const input = { clientId: 'quinn', name: 'Quinn', email: 'q@example.com', password: 'correct horse' }
    await onA('mutation R($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }', {
      input,
    })
    const quinn = callerOf(b.graphqlUrl, await b.clientToken('quinn'))
    const channel = '{ clientChannel(clientId: "quinn") { online lastSeen } }'
    expect(await quinn(channel)).toEqual({ clientChannel: { online: false, lastSeen: null } })
    const session = await listen(a.graphqlSocketUrl, await a.clientToken('quinn'), { clientId: 'quinn' })
    await eventually('quinn online on the other replica', async () => {
      const { clientChannel } = await quinn<{ clientChannel: { online: boolean } }>(channel)
      return clientChannel.online
    })
    await session[Symbol.asyncDispose]()
  })

  test('is refused alike for clients that exist and for others', async () => {
    const { a } = replicas
    const rita = callerOf(a.graphqlUrl, await a.clientToken('rita'))
    const refusals: unknown[] = []
    for (const ids of ['["pia"]', '["unknown"]', '["rita", "pia"]', '[]']) {
      refusals.push(await rita(`{ presence(clientIds: ${ids}) { online } }`).catch((error: Error) => error.message))
    }
    expect(new Set(refusals)).toEqual(new Set(['this token does not allow you to see the presence of these clients']))
    expect(await rita('{ presence(clientIds: ["rita"]) { online } }')).toEqual({ presence: [{ online: false }] })
  })
})
