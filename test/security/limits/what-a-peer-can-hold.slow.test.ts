import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { frameBytes } from '../../support/frames/framed.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { maskedHeader, maskedText, upgradeRequest } from '../../support/frames/masked-frames.ts'
import { brokenLines, type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { residentBytes } from '../../support/processes/resident.ts'

const KiB = 1024
const MiB = KiB * KiB
/** The default limit of one address: WARREN_MAX_UNFINISHED_BYTES. */
const unfinishedBytes = 16 * MiB
/**
 * Memory that Node.js and V8 have not released yet. Each peer here offers several times as much.
 */
const slackBytes = 80 * MiB

let gateway: GatewayProcess
let before: number
let alice: string
let publisher: string
const sockets: Socket[] = []
const measured: string[] = []

beforeAll(async () => {
  gateway = await startGateway()
  alice = await testToken({ sub: 'alice' })
  publisher = await testToken({ sub: 'publisher', scope: 'publish' })
  // Warm up: allocations of the first use.
  await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: publisher } })
  for (let count = 0; count < 10; count += 1)
    await client.request('query ($x: ID!) { clientChannel(clientId: $x) { name } }', { x: 'x'.repeat(2 * MiB) })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  if (process.env['SHOW_MEASURED'] !== undefined) console.log(measured.join('\n'))
})
beforeEach(() => {
  before = residentBytes(gateway.pid)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  expect(brokenLines(gateway)).toEqual([])
  await using healthy = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: alice } })
  expect(await healthy.request('{ gateway { version } }')).toHaveProperty('data')
})

function expectGrowth(most: number): void {
  const grown = residentBytes(gateway.pid) - before
  measured.push(`${expect.getState().currentTestName}: ${Math.round(grown / KiB)} KiB`)
  expect(grown).toBeLessThan(most)
}

/** A connection for bytes that are not a complete message. */
async function peer(first: string | Buffer, port = gateway.port): Promise<{ socket: Socket; isOpen: () => boolean }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  sockets.push(socket)
  socket.on('error', () => undefined).on('data', () => undefined)
  await once(socket, 'connect')
  socket.write(first)
  return { socket, isOpen: () => !socket.readableEnded && !socket.closed }
}

async function sent(socket: Socket, bytes: Buffer): Promise<void> {
  await Promise.race([new Promise((resolve) => socket.write(bytes, resolve)), once(socket, 'close')])
}

/** Resolves when the gateway has read what was sent before on other sockets. */
async function settled(): Promise<void> {
  await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: alice } })
  for (let turn = 0; turn < 3; turn += 1) await client.request('{ gateway { version } }')
}

const upgrades = [
  upgradeRequest('/graphql', ['Sec-WebSocket-Protocol: graphql-transport-ws']),
  upgradeRequest('/ws'),
  upgradeRequest('/socketcluster/'),
]
const many = (count: number) => Array.from({ length: count }, (_, number) => number)

describe('unfinished messages', () => {
  test('of 4 MB on a hundred anonymous sockets are refused by their headers', async () => {
    const piece = Buffer.alloc(2 * MiB, 0x20)
    await Promise.all(
      many(100).map(async (number) => {
        const upgrade = upgrades[number % 4]
        const { socket } =
          upgrade === undefined
            ? await peer(frameBytes(Buffer.alloc(0), { 'content-length': 4 * MiB }), gateway.tcpPort)
            : await peer(upgrade)
        socket.write(maskedHeader(4 * MiB))
        await sent(socket, piece)
      }),
    )
    await settled()
    expectGrowth(slackBytes)
  })

  test('of a client with a token are counted by address, and the rest is refused', async () => {
    const init = maskedText(JSON.stringify({ type: 'connection_init', payload: { token: alice } }))
    const held = 250 * KiB
    const peers = await Promise.all(many(200).map(() => peer(upgrades[0] ?? '')))
    for (const { socket } of peers) socket.write(init)
    await settled()
    for (const { socket } of peers)
      await sent(socket, Buffer.concat([maskedHeader(held + 1), Buffer.alloc(held, 0x20)]))
    await eventually(
      'those beyond the limit to be closed',
      () => peers.filter(({ isOpen }) => isOpen()).length <= unfinishedBytes / held,
    )
    expect(peers.filter(({ isOpen }) => isOpen()).length).toBeGreaterThan(unfinishedBytes / held / 2)
    expectGrowth(unfinishedBytes + slackBytes)
  })

  test('in fragments and pieces of one byte weigh what they cost', async () => {
    const fragment = Buffer.concat([maskedHeader(1, { opcode: 0, last: false }), Buffer.from('x')])
    const fragments = Buffer.concat([
      maskedHeader(1, { last: false }),
      Buffer.from('x'),
      ...many(8_000).map(() => fragment),
    ])
    const peers = await Promise.all(many(60).map((number) => peer(upgrades[number % 3] ?? '')))
    for (const { socket } of peers) await sent(socket, fragments)
    await eventually('most of them to be closed', () => peers.filter(({ isOpen }) => isOpen()).length <= 8)
    expectGrowth(unfinishedBytes + slackBytes)
  })
})

test('requests with unfinished headers, a thousand from one address, hold at most the allowed headers', async () => {
  const start = `GET /graphql HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(8 * KiB)}`
  await Promise.all(many(1_000).map(() => peer(start)))
  await settled()
  expectGrowth(1_000 * 16 * KiB + slackBytes)
})

test('handshakes of a thousand silent sockets hold some kilobytes each', async () => {
  await Promise.all(many(1_000).map((number) => peer(upgrades[number % 3] ?? '')))
  await settled()
  expectGrowth(1_000 * 32 * KiB + slackBytes)
})

test('operation ids of 4 MB are refused', async () => {
  for (const number of many(20)) {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: publisher } })
    client.subscribe('subscription { channel(clientId: "publisher") { kind } }', {}, `${number}${'x'.repeat(3 * MiB)}`)
    expect((await client.closed).code).toBe(4400)
  }
  expectGrowth(slackBytes)
})

describe('a hundred open subscriptions hold nothing of', () => {
  const subscriptions = 100
  /** Operations that can be shared, and operations that are executed one by one. */
  const selections = ['{ kind }', '{ kind @include(if: true) }']

  test.each(selections)('2 MiB of variables each, selecting %s', async (selection) => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: publisher } })
    const query = `subscription ($after: Cursor) { channel(clientId: "publisher", after: $after) ${selection} }`
    const variables = { after: 'x', undeclared: 'x'.repeat(2 * MiB) }
    for (const _ of many(subscriptions)) expect(await client.subscribe(query, variables).next()).toHaveProperty('data')
    expectGrowth(slackBytes)
  })

  test('an invalid cursor of 2 MiB', async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: publisher } })
    const query = 'subscription ($after: Cursor) { channel(clientId: "publisher", after: $after) { kind } }'
    for (const _ of many(subscriptions))
      expect(await client.subscribe(query, { after: 'x'.repeat(2 * MiB) }).next()).toEqual({
        data: { channel: { kind: 'GAP' } },
      })
    expectGrowth(slackBytes)
  })

  test('2 MiB of other extensions each', async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: publisher } })
    const payload = {
      query: `subscription { channel(clientId: "publisher", after: "x") ${selections[1]} }`,
      extensions: { other: 'x'.repeat(2 * MiB) },
    }
    for (const number of many(subscriptions)) {
      client.frames.send({ id: `${number}`, type: 'subscribe', payload })
      await client.frames.nextMatching((frame) => frame.includes(`"id":"${number}"`))
    }
    expectGrowth(slackBytes)
  })

  test('other members in the subscribe packets of SocketCluster channels', async () => {
    const authToken = await testToken({ sub: 'publisher', scope: 'publish channel:#' })
    await using client = await connectFrames(`${gateway.url.replace('http', 'ws')}/socketcluster/`)
    client.send({ event: '#handshake', data: { authToken }, cid: 1 })
    await client.nextMatching((frame) => frame.includes('"rid":1'))
    for (const number of many(subscriptions)) {
      const data = { channel: `c${number}`, data: { after: 'x'.repeat(2 * MiB) } }
      client.send({ event: '#subscribe', data, cid: 1_000 + number })
      await client.nextMatching((frame) => frame.includes(`"rid":${1_000 + number}`))
    }
    expectGrowth(slackBytes)
  })
})

test('documents of open subscriptions count up to 256 KiB for one client, and equal ones once', async () => {
  await using client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: alice } })
  const open = async (number: number, fields: number) => {
    const aliases = many(fields).map((field) => `${'a'.repeat(180)}_${number}_${field}: kind`)
    const operation = client.subscribe(
      `subscription { channel(clientId: "alice", after: "x") { ${aliases.join(' ')} } }`,
    )
    return operation.next().then(
      () => 'open',
      async () => JSON.stringify(await operation.ended).match(/WARREN_MAX_OPEN_DOCUMENT_BYTES/)?.[0],
    )
  }
  const distinct = []
  for (const number of many(14)) distinct.push(await open(number, 125))
  const refused = 'WARREN_MAX_OPEN_DOCUMENT_BYTES'
  expect(distinct).toEqual([...many(10).map(() => 'open'), refused, refused, refused, refused])
  await using other = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: publisher } })
  const same = `subscription { channel(clientId: "publisher", after: "x") { kind ${'# '.padEnd(12 * KiB, 'x')}
  } }`
  for (const _ of many(100)) expect(await other.subscribe(same).next()).toHaveProperty('data')
  expectGrowth(slackBytes)
})
