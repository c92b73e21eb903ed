const { setTimeout: delay } = require('node:timers/promises')
const { ModernFakeTimers } = require('@jest/fake-timers')
const { ModuleMocker } = require('jest-mock')

const ofWorker = /^(TCP|UDP|Pipe|Process|Timeout|FSEvent|StatWatcher|MessagePort|Worker)/
const ofMainProcess = /^(TCP|UDP|Timeout|FSEvent|StatWatcher|MessagePort|Worker)/

// Node opens these on first use, such as an import of `node:process`, and they stay open. A file that
// does it leaves nothing.
void process.stdin
void process.stdout
void process.stderr

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
  // oxlint-disable-next-line typescript/unbound-method -- put back unchanged
  #exit = process.exit
  #exitCode = process.exitCode
  #variables = { ...process.env }
  #open = openResources()
  #failed = false

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis })
  }

  exportConditions() {
    return ['node', 'node-addons']
  }

  getVmContext() {
    return null
  }

  async setup() {}

  handleTestEvent({ name, test }) {
    if (name === 'test_done' && test.errors.length > 0) this.#failed = true
  }

  async teardown() {
    this.fakeTimersModern.dispose()
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name]
    Object.assign(process.env, this.#variables)
    process.exit = this.#exit
    process.exitCode = this.#exitCode
    globalThis.console = this.#console
    // A test that failed may not have come to its end, and its failure is what has to be read.
    if (!this.#failed) await this.#closed()
  }

  async #closed() {
    const deadline = Date.now() + closingMs
    for (;;) {
      const left = difference(openResources(), this.#open)
      if (left.length === 0) return
      if (Date.now() > deadline)
        throw new Error(`The tests of this file left open: ${left.join(', ')} (${ends().join('; ')}).`)
      await delay(20)
    }
  }
}

/**
 * The kinds of what keeps the event loop alive, without what ends at once by itself. A single test
 * file runs in jest's main process, with the shared RabbitMQ node as a child.
 */
function openResources() {
  const kinds = process.connected ? ofWorker : ofMainProcess
  return process.getActiveResourcesInfo().filter((kind) => kinds.test(kind))
}

/**
 * Which ports the open sockets and servers connect; those of the worker itself have none. A socket
 * without a peer is described by its state.
 */
function ends() {
  // oxlint-disable-next-line no-underscore-dangle -- its public form has no ports
  return process._getActiveHandles().flatMap((handle) => {
    if (handle.remotePort) return `${handle.localPort} to ${handle.remotePort}`
    if (typeof handle.listening === 'boolean') return JSON.stringify(handle.address())
    const { readyState, destroyed, localPort, bytesRead, bytesWritten } = handle
    return readyState ? JSON.stringify({ readyState, destroyed, localPort, bytesRead, bytesWritten }) : []
  })
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
