/**
 * Three replicas restart one after another while clients are subscribed and messages are published.
 * Exit status 1 if a promise did not hold: an even pace (at most 1.5 × clients/window, as sessions
 * end and as clients return), no close code but 1012, nothing lost by the ledger, 99 of 100 new
 * subscriptions live within a second. `npm run bench:rolling -- [--clients 10000] [--drain 30]
 * [--rate 1000]`. The clients are one process, this one, on the same cores.
 */
import { parseArgs } from 'node:util'
import { rollingRestart } from '../test/ledger/rolling-restart.ts'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '10000' },
    drain: { type: 'string', default: '30' },
    rate: { type: 'string', default: '1000' },
  },
})
const rabbit = await privateRabbit('rolling')
try {
  const result = await rollingRestart({
    brokerUrl: rabbit.url(),
    replicas: 3,
    clients: Number(values.clients),
    drainMs: Number(values.drain) * 1_000,
    rate: Number(values.rate),
    log: (line) => console.log(line),
  })
  console.log(JSON.stringify({ ...result, faults: result.faults.slice(0, 20) }, undefined, 2))
  const held =
    result.faults.length === 0 &&
    Object.keys(result.codes).every((code) => code === '1012') &&
    result.replicas.every(({ endsPeak, returnsPeakOfAll }) => endsPeak <= 1.5 && returnsPeakOfAll <= 1.5) &&
    result.newSubscriptionP99Ms < 1_000
  process.exitCode = held ? 0 : 1
} finally {
  await rabbit.remove()
}
