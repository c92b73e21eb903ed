import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { resumable, SubscriptionEnded } from '../../src/client/resume.ts'
import { socketClusterUrl } from '../legacy-clients/socketcluster-frames.ts'
import { eventually } from '../support/eventually.ts'
import { connectFramed } from '../support/frames/framed.ts'
import { connectFrames } from '../support/frames/frames.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { runCommand } from '../support/gateway/command-in-process.ts'
import type { InProcessGateway } from '../support/gateway/gateway-in-process.ts'
import { freePort } from '../support/network/ports.ts'
import { callerOf } from './back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './operator/two-replicas.ts'

let replicas: TwoReplicas
let tcpPort: number
beforeAll(async () => {
  tcpPort = await freePort()
  replicas = await openTwoReplicas('positions', {}, { WARREN_TCP_PORT: String(tcpPort) })
})
afterAll(async () => {
  await replicas?.[Symbol.asyncDispose]()
})

interface Delivered {
  readonly data: unknown
  readonly cursor: string
}

const query = `subscription ($clientId: ID!, $position: String, $autoAck: AutoAck, $after: Cursor) {
  channel(clientId: $clientId, position: $position, autoAck: $autoAck, after: $after) { kind data cursor }
}`

/** One connection of a client. `subscribe` adds a subscription to it. */
function connectTo({ graphqlSocketUrl }: InProcessGateway, token: string) {
  const client: Client = createClient({
    url: graphqlSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    retryAttempts: 0,
  })
  const subscribe = (variables: Record<string, unknown>): Inbox<Delivered> => {
    const events = new Inbox<Delivered>(`events of ${JSON.stringify(variables)}`)
    client.subscribe<{ channel: Delivered }>(
      { query, variables },
      {
        next: ({ data }) => data && events.push(data.channel),
        error: (error) => events.end(codeOf(error)),
        complete: () => {},
      },
    )
    return events
  }
  return {
    client,
    subscribe,
    [Symbol.asyncDispose]: async () => {
      await client.dispose()
    },
  }
}

function codeOf(error: unknown): Error & { code?: string } {
  const [first] = error as { extensions?: { code?: string } }[]
  return Object.assign(new Error('the subscription ended'), { code: first?.extensions?.code ?? String(error) })
}

const send = (clientId: string, data: unknown) =>
  replicas.onA<{ publish: { cursor: string } }>(
    'mutation ($input: PublishInput!) { publish(input: $input) { cursor } }',
    {
      input: { clientId, data },
    },
  )

const dataIn = async (events: Inbox<Delivered>, count: number): Promise<unknown[]> => {
  const all: unknown[] = []
  for (let n = 0; n < count; n += 1) all.push((await events.next()).data)
  return all
}

/** The number of subscriptions of this replica that have a position. */
const heldBy = (gateway: InProcessGateway) => gateway.gateway.positions.counts.held

describe('a position', () => {
  test('is taken over from another replica: only the older subscription ends, its neighbour and connection stay', async () => {
    const token = await replicas.a.clientToken('alice')
    const caller = callerOf(replicas.a.graphqlUrl, token)
    await using phone = connectTo(replicas.a, token)
    const neighbour = phone.subscribe({ clientId: 'alice' })
    const older = phone.subscribe({ clientId: 'alice', position: 'inbox' })
    await eventually('the older subscription to have the position', () => heldBy(replicas.a) === 1)
    for (const n of [1, 2, 3]) await send('alice', n)
    const [first] = [await older.next(), ...(await dataIn(older, 2))] as [Delivered]
    expect(
      await caller('mutation ($cursor: Cursor!) { ack(position: "inbox", cursor: $cursor) }', { cursor: first.cursor }),
    ).toEqual({
      ack: true,
    })
    // It is stored within a second, and this list stores it at once.
    expect(await caller('{ clientPositions { name field arguments lag { count atLeast } } }')).toEqual({
      clientPositions: [
        { name: 'inbox', field: 'channel', arguments: { clientId: 'alice' }, lag: { count: 2, atLeast: false } },
      ],
    })

    await using tablet = connectTo(replicas.b, token)
    const newer = tablet.subscribe({ clientId: 'alice', position: 'inbox' })
    await expect(older.next()).rejects.toMatchObject({ code: 'POSITION_TAKEN' })
    expect(await dataIn(newer, 2)).toEqual([2, 3])
    await send('alice', 4)
    expect(await dataIn(newer, 1)).toEqual([4])
    expect(await dataIn(neighbour, 4)).toEqual([1, 2, 3, 4])
  })

  test('is not taken back by warren/client, so that two devices do not evict each other', async () => {
    const token = await replicas.a.clientToken('bob')
    await using phone = connectTo(replicas.a, token)
    const ended = new Inbox<unknown>('the end of the subscription')
    const stop = resumable(phone.client, {
      query,
      variables: { clientId: 'bob', position: 'desk' },
      onState: (state) => state.kind === 'ended' && ended.push(state.error),
    }).subscribe({ next: () => {} })
    await eventually('the first device to have the position', () => heldBy(replicas.a) === 1)
    await using tablet = connectTo(replicas.b, token)
    const newer = tablet.subscribe({ clientId: 'bob', position: 'desk' })
    const error = await ended.next()
    expect(error).toBeInstanceOf(SubscriptionEnded)
    expect((error as SubscriptionEnded).codes).toEqual(['POSITION_TAKEN'])
    await send('bob', 1)
    expect(await dataIn(newer, 1)).toEqual([1])
    stop()
  })

  test('is acked over TCP, SocketCluster and a plain WebSocket, and each goes on where the others were', async () => {
    const token = await replicas.b.clientToken('carol')
    const { cursor: after } = (await send('carol', 0)).publish
    for (const n of [1, 2, 3]) await send('carol', n)

    await using device = await connectFramed(tcpPort)
    device.send({ action: 'authenticate', token })
    device.send({ action: 'subscribe', channel: 'carol', position: 'all', after })
    const overTcp = await frameWith(device, (json) => json['data'] === 1)
    device.send({ id: 7, action: 'ack', position: 'all', cursor: overTcp['cursor'] })
    expect(await frameWith(device, (json) => json['id'] === 7)).toMatchObject({ result: { moved: true } })

    await using socketCluster = await connectFrames(socketClusterUrl(replicas.b.url))
    socketCluster.send({ event: '#handshake', data: { authToken: token }, cid: 1 })
    socketCluster.send({
      event: '#subscribe',
      data: { channel: 'carol', data: { position: 'all', cursors: true } },
      cid: 2,
    })
    const packet = await socketCluster.nextMatching((frame) => frame.includes('#publish'))
    const { data } = (JSON.parse(packet) as { data: { data: Delivered } }).data
    expect(data).toMatchObject({ data: 2 })
    socketCluster.send({ event: 'ack', data: { position: 'all', cursor: data.cursor }, cid: 3 })
    expect(JSON.parse(await socketCluster.nextMatching((frame) => frame.includes('"rid":3')))).toMatchObject({
      data: { moved: true },
    })

    const url = `${replicas.b.url.replace('http', 'ws')}/ws?channel=carol&position=all&token=${token}`
    await using plain = await connectFrames(url)
    const frame = JSON.parse(await plain.nextMatching((text) => text.includes('"message"'))) as Delivered
    expect(frame.data).toBe(3)
    plain.send(JSON.stringify({ ack: frame.cursor }))
    expect(JSON.parse(await plain.nextMatching((text) => text.includes('acked')))).toEqual({
      kind: 'acked',
      cursor: frame.cursor,
      moved: true,
    })
    // The others have ended, and their connections are open.
    expect(await socketCluster.nextMatching((text) => text.includes('#kickOut'))).toContain('POSITION_TAKEN')
    expect(await frameWith(device, (json) => json['error'] !== undefined)).toMatchObject({
      error: { code: 'POSITION_TAKEN' },
    })
    const call = callerOf(replicas.a.graphqlUrl, token)
    await eventually('the ack to be stored', async () => {
      const { clientPositions } = await call<{ clientPositions: { lag: { count: number } }[] }>(
        '{ clientPositions { lag { count } } }',
      )
      return clientPositions[0]?.lag.count === 0
    })
  })

  test('has the unread count of a channel, and is listed and deleted by the command', async () => {
    const createClient = `mutation { createClientChannel(input: {
      clientId: "dave", name: "Dave", email: "dave@example.org", password: "correct horse" }) { token } }`
    const { createClientChannel } = await replicas.onA<{ createClientChannel: { token: string } }>(createClient)
    const call = callerOf(replicas.b.graphqlUrl, createClientChannel.token)
    const { cursor } = (await send('dave', 1)).publish
    const unread = async () =>
      (
        await call<{ clientChannel: { unread: unknown } }>(
          '{ clientChannel(clientId: "dave") { unread(position: "phone") { count atLeast } } }',
        )
      ).clientChannel.unread
    expect(await unread()).toBeNull()
    await call('mutation ($cursor: Cursor!) { ack(position: "phone", cursor: $cursor) }', { cursor })
    for (const n of [2, 3, 4]) await send('dave', n)
    await eventually('the messages to be read by the replica', async () => (await unread()) !== null)
    await eventually(
      'three unread messages',
      async () => JSON.stringify(await unread()) === '{"count":3,"atLeast":false}',
    )

    const warren = (...args: string[]) =>
      runCommand(['positions', ...args, '--url', replicas.a.graphqlUrl, '--token', replicas.a.operatorToken])
    const { stdout } = await warren('list', 'dave')
    expect(stdout).toMatch(/^phone {2}no subscription yet {2}lag unknown {2}moved /)
    const listed = JSON.parse((await warren('list', 'dave', '--json')).stdout) as unknown
    expect(listed).toMatchObject([{ name: 'phone', field: null, lag: null }])
    expect(await warren('delete', 'dave', 'phone')).toMatchObject({ code: 0, stdout: 'deleted phone\n' })
    expect(await warren('delete', 'dave', 'phone')).toMatchObject({
      code: 1,
      stderr: 'name: dave has no position phone\n',
    })
    expect((await warren('list', 'dave')).stdout).toBe('dave has no position\n')
  })
})

async function frameWith(
  client: Awaited<ReturnType<typeof connectFramed>>,
  isWanted: (json: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  for (;;) {
    const { json } = await client.next()
    if (isWanted(json)) return json
  }
}
