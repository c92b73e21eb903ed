/**
 * The ledger of keyed state and named positions, on RabbitMQ and PostgreSQL: rounds of faults, each
 * with its own printed seed. `npm run ledger:state -- [--rounds 3] [--seed 1] [--acts 10]
 * [--only 'kill the broker,storm']`; exit status 1 if a map differed from what was published, or if a
 * position moved back, lost or doubled an event.
 */
import { parseArgs } from 'node:util'
import { Seeded } from '../test/ledger/seeded.ts'
import { type StateAct, stateActs } from '../test/ledger/state/state-acts.ts'
import { runStateLedger } from '../test/ledger/state/state-ledger.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    acts: { type: 'string', default: '10' },
    only: { type: 'string' },
  },
})
const actsInRound = Number(values.acts)

let faults = 0
for (let round = 0; round < Number(values.rounds); round += 1) {
  const seed = Number(values.seed) + round
  const random = new Seeded(seed)
  const acts = stateActs.filter((act) => values.only === undefined || values.only.split(',').includes(act))
  const script = [
    ...random.some(acts, acts.length),
    ...Array.from({ length: Math.max(0, actsInRound - acts.length) }, () => random.pick<StateAct>(acts)),
  ]
  const began = Date.now()
  const result = await runStateLedger({
    seed,
    owners: 8,
    replicas: 3,
    script,
    connectsEach: 40,
    log: (line) => console.log(line),
  })
  faults += result.faults.length
  for (const fault of result.faults) console.log(`FAULT ${fault}`)
  console.log(
    `seed ${seed}, ${Math.round((Date.now() - began) / 1000)} s: ${JSON.stringify({ ...result, faults: result.faults.length })}`,
  )
}
process.exitCode = faults === 0 ? 0 : 1
