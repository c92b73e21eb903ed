/** One contestant in one scenario: starts it, runs the load generator, and ends it. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { newFolder, removeFolder } from '../test/support/processes/run-folder.ts'
import { loadProgram } from './build.ts'
import type { Contestant, Running } from './contestant.ts'
import { onLoadCore } from './machine.ts'
import { operations } from './operations.ts'
import { type Profiler, profiler } from './profile.ts'
import type { Broker } from './rabbit/broker.ts'
import type { Scenario } from './scenarios.ts'

/**
 * What the generator printed, as `load/main.c` defines it; figures that a mode does not measure are
 * missing.
 */
export interface Measured {
  readonly error?: string
  readonly deliveries?: number
  readonly perSecond?: number
  /** The server's CPU for a delivery (in mode `tail` for a message, or for a connect). */
  readonly cpuMicros?: number
  readonly userMicros?: number
  /** The load of the server and of the generator: 1 is a whole CPU. */
  readonly serverShare?: number
  readonly generatorShare?: number
  /** From publication to the subscriber, in microseconds. */
  readonly p50?: number
  readonly p99?: number
  /**
   * The part of it inside the server, from the arrival of the broker's bytes to the first frame:
   * `load/tap.c`.
   */
  readonly addedP50?: number
  readonly addedP99?: number
  readonly missing?: number
  readonly misordered?: number
  readonly lost?: number
  readonly kibEach?: number
  readonly rssMiB?: number
  readonly ratio?: number
}

export interface Pace {
  readonly warmMs: number
  readonly measureMs: number
  readonly settleMs: number
}

export const usualPace: Pace = { warmMs: 2_000, measureMs: 3_000, settleMs: 2_000 }

const run = promisify(execFile)
const mostMs = 600_000

export async function runOne(
  contestant: Pick<Contestant, 'start'>,
  scenario: Scenario,
  broker: () => Promise<Broker>,
  pace: Pace = usualPace,
  profileTo?: string,
): Promise<Measured> {
  const server = await contestant.start(scenario.source, broker)
  try {
    const [pid = 0] = server.pids
    const taken = profileTo === undefined ? undefined : await profiler(pid, profileTo)
    return await load(server, scenario, pace, taken)
  } finally {
    await server.stop()
  }
}

async function load(server: Running, scenario: Scenario, pace: Pace, profile?: Profiler): Promise<Measured> {
  const folder = newFolder()
  const file = join(folder, 'scenario')
  writeFileSync(file, `${lines(server, scenario, pace).join('\n')}\n`)
  const [program, args] = onLoadCore(loadProgram, [file])
  try {
    const running = run(program, args, { timeout: mostMs, maxBuffer: 1 << 26 })
    let dearest: Promise<string> | undefined
    if (profile) {
      createInterface({ input: running.child.stderr as Readable }).on('line', (line) => {
        if (line === 'begin') void profile.begin()
        if (line === 'end') dearest = profile.end()
      })
    }
    const { stdout } = await running
    const lines = await dearest
    if (lines !== undefined) process.stderr.write(`${scenario.name}, time of its own by function:\n${lines}\n`)
    return JSON.parse(stdout) as Measured
  } catch (error) {
    const { stdout } = error as { stdout?: string }
    if (!stdout) throw error
    return JSON.parse(stdout) as Measured
  } finally {
    removeFolder(folder)
  }
}

function lines(server: Running, scenario: Scenario, pace: Pace): string[] {
  const { mode, connections, channels, bytes, window = 1, burst = 1, rate = 500, stalled = 0 } = scenario
  const numbers = { port: server.port, control: server.control, connections, channels, bytes, window, burst, rate }
  // Memory and connects are measured on a server that has had clients before, because one-time
  // loading is not the price of a connection.
  const warmConnects = { closed: 0, rate: 0, tail: 0, idle: 200, connects: 5_000, churn: 20_000 }[mode]
  return [
    `mode ${mode}`,
    ...Object.entries(numbers).map(([key, value]) => `${key} ${value}`),
    `stalled ${stalled}`,
    `shake ${mode === 'idle' ? 0 : 1}`,
    `warm-connects ${warmConnects}`,
    `warm-ms ${mode === 'rate' ? Math.min(pace.warmMs, 1_000) : pace.warmMs}`,
    `measure-ms ${scenario.measureMs ?? pace.measureMs}`,
    `settle-ms ${pace.settleMs}`,
    ...(server.broker === undefined ? [] : [`broker ${server.broker}`]),
    `upgrade ${upgrade(server)}`,
    ...(server.ping ? [`ping ${server.ping[0]}`, `pong ${server.ping[1]}`] : []),
    ...server.pids.map((pid) => `pid ${pid}`),
    ...(server.tokens ?? []).map((token) => `token ${token}`),
    ...operations(scenario.operations ?? 1, scenario.selection).flatMap((operation) => [
      'script',
      ...server.script(operation).map(([kind, text]) => `${kind} ${text}`),
    ]),
  ]
}

function upgrade({ path, port, protocol }: Running): string {
  const headers = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ]
  return [...headers, '', ''].join('\\r\\n')
}
