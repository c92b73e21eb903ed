import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { FairShares } from '../../../src/core/limits/fair-shares.ts'
import { networkOf } from '../../../src/core/limits/network-address.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFramed } from '../../support/frames/framed.ts'
import { connectFrames, type FrameClient } from '../../support/frames/frames.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { startGateway } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'

let gateway: InProcessGateway
/** A gateway that soon closes sockets without an identity. */
let impatient: InProcessGateway
let tcpPort: number

beforeAll(async () => {
  tcpPort = await freePort()
  gateway = await openGateway({
    WARREN_MAX_CONNECTIONS: '40',
    WARREN_MAX_CONNECTIONS_PER_CLIENT: '5',
    WARREN_TCP_PORT: String(tcpPort),
  })
  impatient = await openGateway({ WARREN_ANONYMOUS_IDLE: '500ms' })
})
afterAll(() => Promise.all([gateway, impatient].map((one) => one?.close())))

const protocol = 'graphql-transport-ws'
/** All slots of an address: a tenth of WARREN_MAX_CONNECTIONS, at least 10. */
const fill = () => Promise.all(Array.from({ length: 10 }, () => anonymous()))
const anonymous = (to = gateway) => connectGraphql(to.graphqlSocketUrl)
const of = async (clientId: string) =>
  connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: await gateway.clientToken(clientId) } })

/** The close code of an unacknowledged connection. */
async function refusal(token?: string): Promise<number> {
  const client = await connectFrames(gateway.graphqlSocketUrl, { protocol })
  client.send({ type: 'connection_init', ...(token === undefined ? {} : { payload: { token } }) })
  return (await client.closed).code
}

async function closeAll(clients: readonly GraphqlClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.frames.close()))
  await eventually('their slots to be free', () => gateway.gateway.sessions.size === 0)
}

describe('connections', () => {
  test('without an identity fill a tenth of all, and those with one still connect from the same address', async () => {
    const strangers = await fill()
    expect(await refusal()).toBe(1013)
    const known = [await of('alice'), await of('alice')]
    await strangers[0]?.frames.close()
    const again = await anonymous()
    await closeAll([...strangers.slice(1), ...known, again])
  })

  test('with an identity count by client id', async () => {
    const known: GraphqlClient[] = []
    for (let count = 0; count < 5; count += 1) known.push(await of('alice'))
    expect(await refusal(await gateway.clientToken('alice'))).toBe(1013)
    const other = await of('bob')
    await closeAll([...known, other])
  })

  test('with a token without a client count by address against the limit of a client', async () => {
    const open = () => connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.publisherToken } })
    const known = [await open(), await open(), await open(), await open(), await open()]
    expect(await refusal(gateway.operatorToken)).toBe(1013)
    await closeAll(known)
  })

  test('that authenticate later move from the address to the client', async () => {
    const renewed: GraphqlClient[] = []
    const renew = 'mutation ($token: String!) { refreshSession(token: $token) { clientId } }'
    for (let count = 0; count < 5; count += 1) {
      const client = await anonymous()
      renewed.push(client)
      const answer = await client.request(renew, { token: await gateway.clientToken('carol') })
      expect(answer.errors).toBeUndefined()
    }
    const sixth = await anonymous()
    const refused = await sixth.request(renew, { token: await gateway.clientToken('carol') })
    expect(refused.errors?.[0]?.extensions).toMatchObject({ limit: 'WARREN_MAX_CONNECTIONS_PER_CLIENT' })
    await closeAll([...renewed, sixth])
  })

  test('of the framed protocol count before their first frame', async () => {
    const strangers = await fill()
    await using late = await connectFramed(tcpPort)
    expect(await late.nextJson(({ error }) => error !== undefined)).toMatchObject({
      error: { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_CONNECTIONS_PER_ADDRESS' },
    })
    await closeAll(strangers)
  })

  test('that send nothing are accepted up to a hundred beyond the limit of their address', async () => {
    const silent = Array.from({ length: 150 }, () => connect(Number(new URL(gateway.url).port), '127.0.0.1'))
    for (const socket of silent) socket.on('error', () => undefined)
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    await eventually('those beyond it to be closed', () => silent.filter(({ closed }) => closed).length === 40)
    for (const socket of silent) socket.destroy()
    await eventually('the address to be free', async () => {
      const client = await anonymous().catch(() => undefined)
      await client?.frames.close()
      return client !== undefined
    })
  })
})

describe('a socket without an identity and without a subscription', () => {
  const closed = async (client: Pick<FrameClient, 'closed'>) => (await client.closed).code

  test.each(['graphql', 'socketcluster'] as const)('is closed with 1013 on %s', async (transport) => {
    const begin = async (): Promise<Pick<FrameClient, 'closed'>> => {
      if (transport === 'graphql') return anonymous(impatient)
      const client = await connectFrames(impatient.url.replace('http', 'ws') + '/socketcluster/')
      client.send({ event: '#handshake', data: { authToken: null }, cid: 1 })
      return client
    }
    expect(await closed(await begin())).toBe(1013)
  })

  test('stays if it has a subscription, by its own token, and if it has an identity', async () => {
    await using client = await anonymous(impatient)
    const token = await impatient.clientToken('alice')
    await using known = await connectGraphql(impatient.graphqlSocketUrl, { connectionParams: { token } })
    client.frames.send({
      id: '1',
      type: 'subscribe',
      payload: {
        query: 'subscription { channel(clientId: "alice", after: "none") { kind } }',
        extensions: { headers: { Authorization: `Bearer ${token}` } },
      },
    })
    await client.frames.nextMatching((frame) => frame.includes('GAP'))
    const witness = await anonymous(impatient)
    expect(await closed(witness)).toBe(1013)
    expect([client, known].map(({ frames }) => frames.socket.readyState)).toEqual([1, 1])
    client.frames.send({ id: '1', type: 'complete' })
    expect(await closed(client)).toBe(1013)
  })

  test('stays in the room of an open gateway, and leaves its TCP and its channels in time', async () => {
    const port = await freePort()
    await using open = await openGateway({
      WARREN_LEGACY_ACCESS: 'open',
      WARREN_ANONYMOUS_IDLE: '100ms',
      WARREN_TCP_PORT: String(port),
    })
    await using member = await connectFrames(open.url.replace('http', 'ws') + '/ws')
    await using listener = await connectFrames(open.url.replace('http', 'ws') + '/ws?channel=alice')
    await using framed = await connectFramed(port)
    await using idle = await connectFramed(port)
    expect(await framed.ask({ action: 'subscribe', channel: 'alice' })).toHaveProperty('result')
    expect(await idle.nextJson(({ kind }) => kind === 'close')).toMatchObject({ reason: 'IDLE', code: 1013 })
    expect([member, listener].map(({ socket }) => socket.readyState)).toEqual([1, 1])
    expect(framed.waiting.filter(({ json }) => json['kind'] === 'close')).toEqual([])
  })
})

test('an unconfigured proxy is logged once', async () => {
  await using alone = await startGateway()
  const headers = { 'x-forwarded-for': '192.0.2.1' }
  await fetch(alone.url, { headers })
  await fetch(alone.url, { headers })
  await using _ = await connectGraphql(alone.graphqlSocketUrl, { headers })
  await alone.printed(/WARREN_PROXY_HOPS is 0/)
  await fetch(alone.url, { headers })
  expect(alone.output().match(/WARREN_PROXY_HOPS is 0/g)).toHaveLength(1)
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['not:an:address', 'not:an:address'],
  ['', ''],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

test('a client that fills a shared buffer leaves room for the next one', () => {
  const shares = new FairShares(100)
  const fill = (payer: string): number => {
    let held = 0
    for (; shares.hasRoom(payer, 1); held += 1) shares.add(payer, 1)
    return held
  }
  expect(fill('one')).toBe(50)
  expect(fill('two')).toBe(25)
  expect(shares.hasRoom('three', 25)).toBe(true)
  expect(shares.hasRoom(undefined, 26)).toBe(false)
  shares.add('one', -50)
  expect(fill('two')).toBe(25)
})
