const { setTimeout: delay } = require('node:timers/promises')
const { ModernFakeTimers } = require('@jest/fake-timers')
const { ModuleMocker } = require('jest-mock')

/** What closes by itself has this long after the last test of a file. */
const closingMs = 5_000

/**
 * The environment of a test file is that of its worker, without a VM context. What the file changed
 * in the process is changed back after it. A file that leaves something open fails: it would keep
 * its worker from ending.
 */
module.exports = class NativeEnvironment {
  global = globalThis
  moduleMocker = new ModuleMocker(globalThis)
  fakeTimers = null
  #console = globalThis.console
  #exit = process.exit
  #exitCode = process.exitCode
  #variables = { ...process.env }
  #open = openResources()

  constructor({ projectConfig }, { testPath }) {
    this.testPath = testPath
    this.t0 = Date.now()
    this.c0 = process.cpuUsage()
    this.k0 = kids()
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis })
  }

  exportConditions() {
    return ['node', 'node-addons']
  }

  getVmContext() {
    return null
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose()
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name]
    Object.assign(process.env, this.#variables)
    process.exit = this.#exit
    process.exitCode = this.#exitCode
    globalThis.console = this.#console
    const d = process.cpuUsage(this.c0)
    const k = kids()
    require('node:fs').appendFileSync(
      '/tmp/suite-cpu.jsonl',
      JSON.stringify({
        f: this.testPath.split('/test/')[1],
        wall: (Date.now() - this.t0) / 1000,
        self: (d.user + d.system) / 1e6,
        kids: (k - this.k0) / 100,
      }) + '\n',
    )
    await this.#closed()
  }

  async #closed() {
    const deadline = Date.now() + closingMs
    for (;;) {
      const left = difference(openResources(), this.#open)
      if (left.length === 0) return
      if (Date.now() > deadline) throw new Error(`The tests of this file left open: ${left.join(', ')}.`)
      await delay(20)
    }
  }
}

/** The kinds of what keeps the event loop alive, without what ends at once by itself. */
function openResources() {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /^(TCP|UDP|Pipe|Process|Timeout|FSEvent|StatWatcher|MessagePort|Worker)/.test(kind))
}

/** What is in `more` beyond what is in `less`. Both may have the same more than once. */
function difference(more, less) {
  const rest = [...less]
  return more.filter((one) => {
    const place = rest.indexOf(one)
    if (place !== -1) rest.splice(place, 1)
    return place === -1
  })
}

function kids() {
  const f = require('node:fs').readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')
  return Number(f[13]) + Number(f[14])
}
