import { describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { openGateway } from '../support/gateway/gateway-in-process.ts'
import { startGateway } from '../support/gateway/gateway-process.ts'
import { rabbit, testVhost } from '../support/rabbitmq/broker.ts'
import { ask, upgrade } from './ask.ts'

const off = { WARREN_ROOM: 'off', WARREN_SOCKETCLUSTER: 'off', WARREN_REST: 'off', WARREN_TCP_PORT: 'off' }
const rest = ['/v1/create-channel-client', '/v1/create-rabbit-ch', '/v1/publish-data-over-ch', '/jwt', '/health-check']

describe('an endpoint that is switched off', () => {
  test('answers 404, and the others still serve', async () => {
    const statusOf: Record<string, (url: string) => Promise<number[]>> = {
      WARREN_ROOM: (url) => each([`${url}/ws`, `${url}/ws?channel=a`, `${url}/client`]),
      WARREN_SOCKETCLUSTER: (url) => each([`${url}/socketcluster/`]),
      WARREN_REST: (url) => each([...rest, '/openapi.json'].map((path) => url + path)),
    }
    for (const name of Object.keys(statusOf)) {
      await using gateway = await openGateway({ [name]: 'off', WARREN_TEST_ROUTES: 'on' })
      for (const [of, statusesOf] of Object.entries(statusOf)) {
        const gone = (await statusesOf(gateway.url)).map((status) => status === 404)
        expect([of, ...gone]).toEqual([of, ...gone.map(() => of === name)])
      }
      const landing = await ask(`${gateway.url}/`, { headers: { accept: 'text/html' } })
      expect(landing.body.includes('/client')).toBe(name !== 'WARREN_ROOM')
    }
  })

  test('is not among the addresses that the start prints', async () => {
    await using gateway = await startGateway({ env: off })
    const [text] = await gateway.printed(/Warren .* listens[\s\S]*test routes/)
    expect(text).toContain('/graphql')
    expect(text).not.toMatch(/\/ws|\/client|socketcluster|tcp:/i)
  })

  test('declares nothing on RabbitMQ: without the room neither wsmanager nor towsmanager exists', async () => {
    await using vhost = await testVhost('switches')
    await using gateway = await openGateway({ ...off, WARREN_BROKER_URL: vhost.url })
    await eventually('the gateway to have declared its part', () => gateway.gateway.up)
    const query = '{ gateway { version } }'
    expect((await ask(`${gateway.graphqlUrl}?query=${encodeURIComponent(query)}`)).status).toBe(200)
    const there = `<<"${vhost.name}">>`
    const printed = await rabbit.ctl(
      'eval',
      `Names = [element(2, E) || E <- rabbit_exchange:list(${there})] ++ [amqqueue:get_name(Q) || Q <- rabbit_amqqueue:list(${there})], [io:format("~s~n", [element(4, Name)]) || Name <- Names], done`,
    )
    const declared = printed.split('\n')
    expect(declared).toContain('warren.events')
    expect(declared.filter((name) => /wsmanager|\.room/.test(name))).toEqual([])
  })
})

/** Sends the request that a program would: a GET for a page, an upgrade for a WebSocket. */
async function each(urls: readonly string[]): Promise<number[]> {
  const statuses: number[] = []
  for (const url of urls) {
    const upgrades = /\/(ws|socketcluster\/)/.test(url)
    statuses.push((await ask(url, { headers: upgrades ? upgrade : {} })).status)
  }
  return statuses
}
