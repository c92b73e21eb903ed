// jest requires its runtime, so this is a CommonJS module.
const asyncHooks = require('node:async_hooks')
const { register } = require('node:module')
const { pathToFileURL } = require('node:url')
const { default: JestRuntime } = require('jest-runtime')
const { CompiledFiles, SourceMaps } = require('./compile.cjs')

/** What `globals.js` exports, by the number of the test file in this process. */
const globalsOf = new Map()
globalThis[Symbol.for('warren.test.globals')] = globalsOf

const handlersOfEvents = Symbol.for('EVENT_HANDLERS')

/** When a worker prints why it has not ended: before jest ends it, without a reason. */
const printLeftMs = 8_000

let runs = 0
let sourceMaps

/**
 * Loads test files with Node's own loader instead of jest's modules in a VM context. A worker then
 * loads the gateway and its packages once, not once a test file, and their code runs at full speed:
 * in a VM context of jest, each use of a global asks a proxy. `jest.mock` has no effect here.
 */
module.exports = class NativeRuntime extends JestRuntime {
  #run = ++runs

  constructor(config, ...rest) {
    super(config, ...rest)
    // jest-circus keeps its handlers of events in a global, which a VM context would end. Without
    // this, each test would be reported by the handlers of all earlier files of the worker.
    delete globalThis[handlersOfEvents]
    sourceMaps ??= openLoader(`${config.cacheDirectory}/native`)
  }

  unstable_shouldLoadAsEsm() {
    return true
  }

  async unstable_importModule(file) {
    // jest sets 100. Errors are part of what the gateway does, and each frame costs time.
    Error.stackTraceLimit = 15
    rememberFrames()
    globalsOf.set(this.#run, this.jestGlobals.cjsGlobals(file))
    await import(`${pathToFileURL(file).href}?run=${this.#run}`)
  }

  /** jest asks for its own modules here, first for jest-circus, which has the state of one file. */
  requireInternalModule(file) {
    for (const loaded of Object.keys(require.cache)) {
      if (/[\\/]jest-circus[\\/]build[\\/]/.test(loaded)) delete require.cache[loaded]
    }
    // Assigning is not enough: from Node.js 22 on, the property has a getter only.
    const own = Object.getOwnPropertyDescriptor(asyncHooks, 'AsyncLocalStorage')
    Object.defineProperty(asyncHooks, 'AsyncLocalStorage', { ...plain, value: StorageOfOneTest })
    try {
      return require(file)
    } finally {
      Object.defineProperty(asyncHooks, 'AsyncLocalStorage', own)
    }
  }

  getSourceMaps() {
    return sourceMaps
  }

  teardown() {
    globalsOf.delete(this.#run)
    super.teardown()
  }
}

const plain = { configurable: true, enumerable: true, writable: true }

/**
 * Takes the place of AsyncLocalStorage in jest-circus, which finds the test of an error with it.
 * With that, Node.js calls JavaScript at each step of each promise of the process. Here, tests of a
 * file run one after another, so an error is of the test that runs.
 */
class StorageOfOneTest {
  #store

  getStore() {
    return this.#store
  }

  async run(store, callback) {
    const before = this.#store
    this.#store = store
    try {
      return await callback()
    } finally {
      this.#store = before
    }
  }
}

/** The lines of stack traces that were made, by how V8 writes the frame. */
const lines = new Map()

/**
 * jest looks up the position of each frame in a source map, each time that a stack is read. The
 * gateway and its packages read the same stacks again and again.
 */
function rememberFrames() {
  // oxlint-disable-next-line typescript/unbound-method -- jest has bound it
  const format = Error.prepareStackTrace
  Error.prepareStackTrace = (error, frames) => {
    const text = format(error, [])
    const lineOf = (frame) => {
      const key = String(frame)
      if (!lines.has(key)) lines.set(key, format(error, [frame]).slice(text.length))
      return lines.get(key)
    }
    return text + frames.map(lineOf).join('')
  }
}

function openLoader(folder) {
  // jest-worker asks a worker to end by removing its listener.
  process.on('removeListener', (name) => {
    if (name === 'message') setTimeout(printWhatIsLeft, printLeftMs).unref()
  })
  register('./loader.js', { parentURL: pathToFileURL(__filename), data: { folder } })
  return new SourceMaps(new CompiledFiles(folder))
}

function printWhatIsLeft() {
  const kinds = process.getActiveResourcesInfo().join(', ')
  // oxlint-disable-next-line no-underscore-dangle -- its public form has no details
  const handles = process._getActiveHandles().map((handle) => handle?.constructor?.name)
  const listeners = process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`)
  console.error(`This worker does not end. Open: ${kinds}. Handles: ${handles}. Listeners: ${listeners.join(', ')}.`)
}
