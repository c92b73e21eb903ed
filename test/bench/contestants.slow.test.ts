import { beforeAll, describe, expect, test } from '@jest/globals'
import { build } from '../../bench/build.ts'
import type { Source } from '../../bench/contestant.ts'
import { contestants } from '../../bench/contestants.ts'
import { benchPackages } from '../../bench/debian.ts'
import { type Broker, startBroker } from '../../bench/rabbit/broker.ts'
import { runOne } from '../../bench/run.ts'
import { type Scenario, scenarios } from '../../bench/scenarios.ts'
import { installMissing } from '../support/processes/debian-package.ts'

// Nothing is timed here. The test only shows that each compared server does the same work,
// completely.
const pace = { warmMs: 0, measureMs: 200, settleMs: 50 }

beforeAll(async () => {
  await installMissing(Object.values(benchPackages))
  await build()
})

function small(name: string, channels: number): Scenario {
  const scenario = scenarios.find((one) => one.name === name)
  if (!scenario) throw new Error(`there is no scenario ${name}`)
  return { ...scenario, connections: 20, channels, window: 4, burst: 1 }
}

function taking(source: Source) {
  return contestants.filter(({ sources }) => sources.includes(source))
}

const all = { missing: 0, misordered: 0, lost: 0, deliveries: expect.any(Number) }

function noBroker(): Promise<Broker> {
  throw new Error('this test starts no broker')
}

describe('every contestant delivers every message once and in order to all subscribers', () => {
  test('to one channel, published in process', async () => {
    const measured = await Promise.all(
      taking('process').map(async (one) => [one.name, await runOne(one, small('fan-out', 1), noBroker, pace)]),
    )
    expect(Object.fromEntries(measured)).toMatchObject(
      Object.fromEntries(taking('process').map(({ name }) => [name, all])),
    )
  })

  test('to a channel each, published to RabbitMQ', async () => {
    const broker = await startBroker()
    try {
      // One after the other: all subscribers of the exchange receive what one publisher publishes.
      for (const one of taking('rabbit').filter(({ name }) => ['warren', 'yoga', 'web-stomp'].includes(name))) {
        expect({ [one.name]: await runOne(one, small('rabbit-each', 20), async () => broker, pace) }).toMatchObject({
          [one.name]: all,
        })
      }
    } finally {
      await broker.close()
    }
  })
})
