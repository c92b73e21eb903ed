/**
 * Connects and disconnects, publishes and receives, a million of each by default. Exit status 1 if
 * live memory at the end is more than 5 % above that after the warm-up (a twentieth of the whole),
 * or if the accounts do not balance. It names the objects that increased. `npm run soak --
 * [--connects 1000000] [--messages 1000000]`
 */
import { parseArgs } from 'node:util'
import { soak } from '../test/ledger/soak.ts'
import { privateRabbit } from '../test/support/rabbitmq/broker.ts'

const { values } = parseArgs({
  options: { connects: { type: 'string', default: '1000000' }, messages: { type: 'string', default: '1000000' } },
})
const connections = 200
const rounds = Math.ceil(Number(values.connects) / connections)
const warmUpRounds = Math.max(5, Math.round(rounds / 20))
const rabbit = await privateRabbit('soak')
const began = Date.now()
try {
  const result = await soak({
    brokerUrl: rabbit.url(),
    connections,
    messagesEach: Math.max(1, Math.round(Number(values.messages) / (rounds * connections))),
    warmUpRounds,
    rounds,
    log: (line) => console.log(line),
  })
  console.log(`${Math.round((Date.now() - began) / 1000)} s`, JSON.stringify(result, undefined, 2))
  process.exitCode = result.faults.length === 0 && result.growth < 1.05 ? 0 : 1
} finally {
  await rabbit.remove()
}
