import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { SimulatedAbortController, SimulatedAbortSignal } from './abort.ts'
import { VirtualClock } from './virtual-clock.ts'

/** An arbitrary moment: simulated runs begin here. */
export const startsAt = Date.UTC(2027, 0, 4, 9)

interface Simulated {
  clock: VirtualClock
  /** From 0 to below 1. */
  random: () => number
  /** The last answer of `performance.now`. */
  monotonicMs: number
  /** How far the clock of an owner is ahead, in milliseconds. */
  skew: Map<number, number>
}

const current: Simulated = { clock: new VirtualClock(startsAt), random: () => 0, monotonicMs: 0, skew: new Map() }

const timedOut = new DOMException('timed out', 'TimeoutError')

/** Whether the globals are replaced. Modules that read them at load time are loaded before. */
let installed = false

/** Replaces time and randomness of this process for good, and begins a run with them. */
export function simulateTime(random: () => number): { clock: VirtualClock; skew: Map<number, number> } {
  current.clock = new VirtualClock(startsAt)
  current.random = random
  current.monotonicMs = 0
  current.skew = new Map()
  if (!installed) install()
  installed = true
  return { clock: current.clock, skew: current.skew }
}

function wallClock(): number {
  const { clock, skew } = current
  return Math.floor(clock.now) + (skew.get(clock.owner) ?? 0)
}

/** How likely it is that the code took long since the clock was read before. */
const slowShare = 0.03
const slowMs = 15

/** Code takes no time, except when a slice of work seems to have taken long: it then pauses. */
function monotonic(): number {
  const read = Math.max(current.monotonicMs, current.clock.now - startsAt + 1_000)
  current.monotonicMs = current.random() < slowShare ? read + slowMs : read
  return current.monotonicMs
}

function install(): void {
  const RealDate = Date
  class SimulatedDate extends RealDate {
    constructor(...given: [] | [string | number | Date]) {
      if (given.length === 0) super(wallClock())
      else super(...given)
    }

    static override now(): number {
      return wallClock()
    }
  }
  const globals = globalThis as unknown as Record<string, unknown>
  globals['Date'] = SimulatedDate
  globals['performance'] = { now: monotonic }
  globals['setTimeout'] = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    current.clock.timer(ms, args.length === 0 ? run : () => run(...args))
  globals['setInterval'] = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    current.clock.timer(ms, args.length === 0 ? run : () => run(...args), true)
  globals['setImmediate'] = (run: (...args: unknown[]) => void, ...args: unknown[]) =>
    current.clock.immediate(args.length === 0 ? run : () => run(...args))
  for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate'])
    globals[name] = (timer: unknown) => current.clock.clear(timer)
  const nextTick = process.nextTick.bind(process)
  // Between two turns of the clock, Node itself needs its own.
  process.nextTick = (run: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (!current.clock.isRunning) nextTick(run, ...args)
    else current.clock.tick(args.length === 0 ? run : () => run(...args))
  }
  Math.random = () => current.random()
  globals['AbortController'] = SimulatedAbortController
  globals['AbortSignal'] = Object.assign(SimulatedAbortSignal, {
    timeout: (ms: number): SimulatedAbortSignal => {
      const { signal } = new SimulatedAbortController()
      current.clock.timer(ms, () => signal.abortNow(timedOut))
      return signal
    },
  })
  const bytes = (size: number): Buffer => {
    const buffer = Buffer.alloc(size)
    for (let index = 0; index < size; index += 1) buffer[index] = Math.floor(current.random() * 256)
    return buffer
  }
  Object.assign(crypto, {
    randomBytes: bytes,
    randomUUID: () => {
      const hex = (): string =>
        Math.floor(current.random() * 0x1_0000_0000)
          .toString(16)
          .padStart(8, '0')
      return `${hex()}-0000-4000-8000-${hex()}0000`
    },
  })
  // The named imports of all modules see the replacements.
  syncBuiltinESMExports()
}
