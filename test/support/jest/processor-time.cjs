// jest's main process requires this file without a transform.
const { readdirSync, readFileSync } = require('node:fs')

const ticksPerSecond = 100

/**
 * The seconds of processor time that this process and its descendants have used, ended ones included.
 * Of Linux: see proc(5).
 */
function usedSeconds() {
  /** @type {Map<number, { parent: number, ticks: number }>} */
  const processes = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // The name of the program is in parentheses, and may contain some.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number)
      const [, parent = 0] = fields
      processes.set(Number(name), { parent, ticks: fields.slice(11, 15).reduce((sum, one) => sum + one, 0) })
    } catch {
      // It has ended.
    }
  }
  /** @param {number} pid */
  const isOurs = (pid) => {
    for (let one = pid; one > 1; one = processes.get(one)?.parent ?? 0) if (one === process.pid) return true
    return false
  }
  let ticks = 0
  for (const [pid, used] of processes) if (isOurs(pid)) ticks += used.ticks
  return ticks / ticksPerSecond
}

/**
 * A reporter that prints, of each file, the seconds that it took, those of processor time with all
 * processes that it started, and those of the test's own process. With `-i`, so that files run one
 * after another in this process.
 */
module.exports = class ProcessorTime {
  #began = 0
  #used = 0
  #own = process.cpuUsage()

  onTestFileStart() {
    this.#began = performance.now()
    this.#used = usedSeconds()
    this.#own = process.cpuUsage()
  }

  /**
   * @param {{ readonly path: string }} file
   * @param {{ readonly numFailingTests: number, readonly testExecError?: unknown }} result
   */
  onTestFileResult({ path }, { numFailingTests, testExecError }) {
    const { user, system } = process.cpuUsage(this.#own)
    const seconds = [(performance.now() - this.#began) / 1_000, usedSeconds() - this.#used, (user + system) / 1e6]
    const name = path.slice(path.lastIndexOf('/test/') + 1)
    const failed = numFailingTests > 0 || testExecError ? '\tfailed' : ''
    process.stdout.write(`${seconds.map((one) => one.toFixed(1)).join('\t')}\t${name}${failed}\n`)
  }
}
