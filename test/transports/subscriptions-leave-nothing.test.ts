import type { EventEmitter } from 'node:events'
import { subscribe as observe, unsubscribe as ignore } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type InProcessGateway, openGateway } from '../support/gateway-in-process.ts'
import { connectGraphql, type GraphqlClient } from '../support/graphql-frames.ts'
import { type HubWatch, watchHub } from '../support/hub-watch.ts'
import { rabbit, testVhost } from '../support/rabbitmq.ts'

const sockets = 4
const overSocket = 100_000
const inFlight = 250

const listen = 'subscription Listen($after: Cursor) { channel(clientId: "alice", after: $after) { cursor data } }'

let gateway: InProcessGateway
let hub: HubWatch

beforeEach(async () => {
  gateway = await openGateway({ WARREN_MAX_SUBSCRIBE_RATE: '1000000', WARREN_MAX_SUBSCRIPTIONS: '10000' })
  hub = watchHub(gateway.gateway.hub)
})
afterEach(() => gateway.close())

test('x', async () => {
  const token = await gateway.clientToken('alice')
  const clients = await Promise.all(Array.from({length: sockets}, () => connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })))
  let t = Date.now()
  const gc = gcOf()
  const run = async (client: GraphqlClient, total: number, from = 0) => {
    for (let n = 0; n < total; n += inFlight) {
      for (let i = 0; i < inFlight; i += 1) {
        const id = `s${from + n + i}`
        client.frames.socket.send(`{"id":"${id}","type":"subscribe","payload":{"query":${JSON.stringify(listen)}}}`)
        client.frames.socket.send(`{"id":"${id}","type":"complete"}`)
      }
      client.frames.send({ type: 'ping' })
      await client.frames.nextMatching((f) => f.includes('pong'))
    }
  }
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(clients.map((c) => run(c, 2500, round * 1e6)))
    await hub.until(0)
    gc()
    console.log(Date.now() - t, process.memoryUsage().heapUsed / 1e6, gateway.gateway.catchingUp, gateway.gateway.sessions.size)
    t = Date.now()
  }
  for (const c of clients) await c[Symbol.asyncDispose]()
}, 100_000)

function gcOf(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
