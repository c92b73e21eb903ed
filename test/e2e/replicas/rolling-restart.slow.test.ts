import { expect, test } from '@jest/globals'
import { rollingRestart } from '../../ledger/rolling-restart.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'

/**
 * The promised maximum in milliseconds, which `npm run bench:rolling` checks. A multiple of it
 * applies on a machine shared with other tests: 5.4 s were measured beside two of them.
 */
const promisedMs = 1_000
const inHand = 10

test('three replicas restart one after another: each closes its clients evenly, all reconnect, none is cut off, nothing is lost', async () => {
  await using vhost = await testVhost('rolling')
  const result = await rollingRestart({ brokerUrl: vhost.url, replicas: 3, clients: 300, drainMs: 6_000, rate: 200 })
  expect(result.faults).toEqual([])
  // Each was closed with the code that asks it to reconnect.
  expect(Object.keys(result.codes)).toEqual(['1012'])
  expect(result.replicas.reduce((sum, { clients }) => sum + clients, 0)).toBeGreaterThan(300)
  for (const { clients, ended, endsPeak } of result.replicas) {
    expect(ended).toBeGreaterThanOrEqual(clients)
    expect(endsPeak).toBeLessThanOrEqual(1.5)
  }
  expect(result.received).toBe(result.confirmed)
  expect(result.confirmed).toBeGreaterThan(500)
  expect(result.newSubscriptionP99Ms).toBeLessThan(promisedMs * inHand)
})
