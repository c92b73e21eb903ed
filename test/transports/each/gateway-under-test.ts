import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from '@jest/globals'
import { type Call, callerOf, publish } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { type Listening, type ListenRequest, type ReceivedEvent, sdl, type Under } from '../suite/adapter.ts'
import { router } from '../suite/callback.ts'

export const maxOfClient = 6
export const maxBufferedBytes = 64 * 1024

const folder = newFolder()
let vhost: TestVhost

export let under: Under
export let call: Call

/** Opens a gateway of the file's virtual host. `under` is one, open while the tests of the file run. */
export async function open(): Promise<Under> {
  const tcpPort = await freePort()
  const gateway = await openGateway({
    WARREN_BROKER_URL: vhost.url,
    WARREN_SCHEMA: folder,
    WARREN_TCP_PORT: String(tcpPort),
    WARREN_AUTH_TIMEOUT: '2s',
    // A peer that does not read answers no ping, for as long as a busy machine takes.
    WARREN_KEEP_ALIVE: '5m',
    WARREN_MAX_CLIENT_SUBSCRIPTIONS: String(maxOfClient),
    WARREN_CALLBACK_URLS: router.url,
    WARREN_MAX_BUFFERED_BYTES: String(maxBufferedBytes),
  })
  await eventually('the gateway to be up', () => gateway.gateway.up)
  return { gateway, tcpPort }
}

beforeAll(async () => {
  writeFileSync(join(folder, 'events.graphql'), sdl)
  vhost = await testVhost('transports')
  await router.open()
  under = await open()
  call = callerOf(under.gateway.graphqlUrl, under.gateway.operatorToken)
})
afterAll(async () => {
  await under?.gateway.close()
  await vhost?.close()
  router.close()
  removeFolder(folder)
})

export const publishTo = (channel: string, data: unknown, typed = false) =>
  call(publish, {
    input: typed
      ? { exchange: 'items', routingKey: 'x', data, headers: { 'x-client': channel } }
      : { clientId: channel, data },
  })

/**
 * The current position in the journal. With it as `after` the test misses nothing, even if the
 * transport does not acknowledge a subscription. It is the position of a message, because reading a
 * channel without messages reads the whole journal, and the journal of these tests is long.
 */
async function now(): Promise<string> {
  const mark = 'mutation { publish(input: { clientId: "mark", data: 0 }) { cursor } }'
  const { publish: published } = await call<{ publish: { cursor: string } }>(mark)
  return published.cursor
}

export async function asClient(channel: string, typed = false): Promise<ListenRequest> {
  return { channel, token: await under.gateway.clientToken(channel), after: await now(), typed }
}

export async function take(listening: Listening, count: number, withinMs?: number): Promise<ReceivedEvent[]> {
  const received: ReceivedEvent[] = []
  while (received.length < count) received.push(await listening.events.next(withinMs))
  return received
}

export const dataOf = (received: readonly ReceivedEvent[]) => received.map(({ data }) => data)
