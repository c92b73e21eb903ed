// Writes durations.json from the results of runs: node record-durations.js <results of jest --json>...
// Files that were not run keep their duration.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const table = new URL('durations.json', import.meta.url)
/** @type {Record<string, number>} */
const seconds = JSON.parse(readFileSync(table, 'utf8'))
for (const path of Object.keys(seconds)) if (!existsSync(path)) delete seconds[path]
for (const file of process.argv.slice(2)) {
  const { testResults } = JSON.parse(readFileSync(file, 'utf8'))
  for (const { name, startTime, endTime } of testResults)
    seconds[name.slice(name.lastIndexOf('/test/') + 1)] = Math.max(1, Math.round((endTime - startTime) / 1000))
}
const sorted = Object.fromEntries(Object.entries(seconds).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)))
writeFileSync(table, `${JSON.stringify(sorted, null, 2)}\n`)
