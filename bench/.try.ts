import { runLedger } from '../test/ledger/ledger.ts'
const [trials='700', ...script] = process.argv.slice(2)
const r = await runLedger({ seed: 1, clients: 60, replicas: 3, trials: Number(trials), script: script as never, log: console.log })
console.log(JSON.stringify(r, null, 1))
