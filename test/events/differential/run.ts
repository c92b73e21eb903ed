/** `npm run differential -- --cases 100000 --seed 1`: the recorded run of the differential test. */
import { parseArgs } from 'node:util'
import { differential } from './differential.ts'

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
})
const began = performance.now()
const tally = differential(Number(values.seed), Number(values.cases))
console.log(JSON.stringify(tally), `${((performance.now() - began) / 1000).toFixed(1)} s, no difference`)
