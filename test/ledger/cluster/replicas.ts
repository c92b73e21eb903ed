import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GatewayProcess, startGateway } from '../../support/gateway/gateway-process.ts'
import { debianPackages, installMissing, locate } from '../../support/processes/debian-package.ts'
import { isRunning } from '../../support/processes/run-folder.ts'
import type { Replica } from '../clients/transports.ts'
import type { Host } from './namespaces.ts'

const readyMs = 90_000
/** Sockets close a moment after the process ended, and the close is noticed later still. */
const noticedMs = 2_000

/**
 * The library that moves the clocks of processes that start with it, or the reason why none can be
 * moved here.
 */
export type MovableClock = { readonly library: string } | { readonly library?: undefined; readonly why: string }

export async function movableClock(): Promise<MovableClock> {
  await installMissing([debianPackages.faketime])
  await removeSharedMemory((pid) => !isRunning(pid))
  try {
    return { library: locate(debianPackages.faketime) }
  } catch (error) {
    return { why: `clocks are not moved. ${error instanceof Error ? error.message : String(error)}` }
  }
}

const sharedMemory = '/dev/shm'

/** libfaketime leaves its shared memory behind when its process is killed. */
async function removeSharedMemory(isOurs: (pid: number) => boolean): Promise<void> {
  for (const name of await readdir(sharedMemory).catch(() => [])) {
    const pid = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && isOurs(Number(pid))) await rm(join(sharedMemory, name), { force: true })
  }
}

/** One replica of the gateway on its own host, across all of its processes. */
export class GatewayReplica implements Replica {
  readonly name: string
  readonly host: Host
  readonly #clock: string
  readonly #first: GatewayProcess
  #process: GatewayProcess
  readonly #pids: number[] = []
  #earlier = ''
  /** The times when it was killed or draining, and its sockets may close. */
  readonly #down: { from: number; to: number }[] = []

  private constructor(name: string, host: Host, clock: string, gateway: GatewayProcess) {
    this.name = name
    this.host = host
    this.#clock = clock
    this.#first = gateway
    this.#process = gateway
    this.#pids.push(gateway.pid)
  }

  static async start(
    name: string,
    host: Host,
    options: { folder: string; env: Readonly<Record<string, string>>; clock: MovableClock | undefined },
  ): Promise<GatewayReplica> {
    const clock = join(options.folder, `clock-of-${name}`)
    await writeFile(clock, '+0\n')
    const library = options.clock?.library
    // Timers use the monotonic clock, which no operator moves.
    const faked =
      library === undefined
        ? undefined
        : {
            LD_PRELOAD: library,
            FAKETIME_TIMESTAMP_FILE: clock,
            FAKETIME_CACHE_DURATION: '1',
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
            DONT_FAKE_MONOTONIC: '1',
          }
    const env = { ...options.env, ...faked }
    return new GatewayReplica(name, host, clock, await startGateway({ host, env }))
  }

  get address(): string {
    return this.#process.address
  }

  get port(): number {
    return this.#process.port
  }

  get tcpPort(): number {
    return this.#process.tcpPort
  }

  get graphqlUrl(): string {
    return this.#process.graphqlUrl
  }

  /** All lines that it has logged. */
  get output(): string {
    return this.#earlier + this.#process.output()
  }

  /** The status of `/readyz`; 0 without an answer. */
  async readiness(): Promise<number> {
    const { address, opsPort } = this.#process
    const signal = AbortSignal.timeout(400)
    return fetch(`http://${address}:${opsPort}/readyz`, { signal }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
  }

  /** Whether a socket to it may have closed at this time. */
  wasDown(at: number): boolean {
    return this.#down.some(({ from, to }) => at >= from && at <= to + noticedMs)
  }

  freeze(): void {
    this.#process.freeze()
  }

  thaw(): void {
    this.#process.thaw()
  }

  async kill(): Promise<void> {
    this.#down.push({ from: Date.now(), to: Number.POSITIVE_INFINITY })
    await this.#process.kill()
  }

  async drain(): Promise<void> {
    this.#down.push({ from: Date.now(), to: Number.POSITIVE_INFINITY })
    await this.#process.stop()
  }

  async startAgain(): Promise<void> {
    this.#earlier += this.#process.output()
    this.#process = await this.#process.again({ ready: false })
    this.#pids.push(this.#process.pid)
    await this.#process.ready(readyMs)
    const last = this.#down.at(-1)
    if (last) last.to = Date.now()
  }

  /** Moves its clock to this many seconds from the machine's. */
  async moveClock(seconds: number): Promise<void> {
    await writeFile(this.#clock, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  }

  async remove(): Promise<void> {
    await this.#process.kill()
    await removeSharedMemory((pid) => this.#pids.includes(pid))
    await this.#first[Symbol.asyncDispose]()
  }
}
