/**
 * The ledger for any length: rounds of randomised chaos, each with its own printed seed, until so
 * many clients have resumed. `npm run ledger -- [--trials 5000] [--seed 1]`; exit status 1 if
 * anything was lost, doubled, misordered, or silently skipped.
 */
import { parseArgs } from 'node:util'
import { type Act, acts, type LedgerResult, runLedger } from '../test/ledger/ledger.ts'
import { Seeded } from '../test/ledger/seeded.ts'

const { values } = parseArgs({
  options: { trials: { type: 'string', default: '5000' }, seed: { type: 'string', default: '1' } },
})
const trials = Number(values.trials)
const trialsInRound = 1_000
const actsInRound = 12

const results: LedgerResult[] = []
const began = Date.now()
for (let seed = Number(values.seed), done = 0; done < trials; seed += 1) {
  const random = new Seeded(seed)
  const script = [
    ...random.some(acts, acts.length),
    ...Array.from({ length: actsInRound - acts.length }, () => random.pick<Act>(acts)),
  ]
  const result = await runLedger({
    seed,
    clients: 40,
    replicas: 3,
    trials: Math.min(trialsInRound, trials - done),
    script,
    log: (line) => console.log(line),
  })
  results.push(result)
  done += result.trials
  console.log(`seed ${seed}: ${JSON.stringify(result)}`)
}

const sum = (value: (result: LedgerResult) => number): number => results.reduce((total, one) => total + value(one), 0)
const faults = results.flatMap((result) => result.faults)
console.log(
  [
    `${sum((one) => one.trials)} trials in ${results.length} rounds from seed ${values.seed}, ${Math.round((Date.now() - began) / 1000)} s:`,
    `${sum((one) => one.confirmed)} numbers confirmed, ${sum((one) => one.received)} received once and in order,`,
    `${sum((one) => one.inGaps)} inside reported gaps, ${sum((one) => one.unrecoverable.answered)} of ${sum((one) => one.unrecoverable.sent)}`,
    `unrecoverable cursors answered with a gap, ${sum((one) => one.withoutFirstCopy.length)} received again from a replica that retention had overtaken,`,
    `healed within ${Math.max(...results.map((one) => one.healedWithinMs))} ms; ${faults.length} faults`,
  ].join(' '),
)
process.exitCode = faults.length === 0 ? 0 : 1
