import { type ChildProcess, execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { eventually, Hopeless } from '../eventually.ts'
import { addressOf, type NetworkHost, onHost } from '../network/network-host.ts'
import { freePort } from '../network/ports.ts'
import { spawnGuarded } from '../processes/guarded-process.ts'
import { newFolder, removeFolder } from '../processes/run-folder.ts'

export interface GatewayOptions {
  /**
   * Options of the gateway (`WARREN_…`). They override the preset ones: free ports, a temporary
   * data folder, a known secret.
   */
  readonly env?: Readonly<Record<string, string>>
  /**
   * If true, wait until `/readyz` answers 200. If false, wait for `/livez` only: for a gateway that
   * starts without its broker. Default true.
   */
  readonly ready?: boolean
  /** The network host that runs it. Default: this machine, on loopback. */
  readonly host?: NetworkHost
  /** Its limit of open files. Default: as this process. */
  readonly openFiles?: number
  /** The folder of another checkout with the build to start. Default: this one. */
  readonly checkout?: string
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface GatewayProcess extends AsyncDisposable {
  readonly pid: number
  /** The complete environment of the process. */
  readonly env: Readonly<Record<string, string>>
  /** The IP address of its ports. */
  readonly address: string
  readonly port: number
  readonly opsPort: number
  readonly tcpPort: number
  readonly dataDir: string
  /** `http://<address>:<port>`, without a slash at the end. */
  readonly url: string
  readonly graphqlUrl: string
  /** The same as a WebSocket URL. */
  readonly graphqlSocketUrl: string
  readonly exited: Promise<Exit>
  /** Everything printed so far, standard output and standard error together. */
  output(): string
  /** Resolves to the first match in the output, earlier output included. */
  printed(pattern: RegExp, withinMs?: number): Promise<RegExpMatchArray>
  /** Resolves when `/livez` answers 200. */
  alive(withinMs?: number): Promise<void>
  /** Resolves when `/readyz` answers 200. */
  ready(withinMs?: number): Promise<void>
  /** The status of `/readyz`; 0 if nothing answers. */
  readiness(): Promise<number>
  /** The text of `/metrics`. */
  metrics(): Promise<string>
  freeze(): void
  thaw(): void
  /** Sends SIGTERM. Resolves to the exit status; null if a signal ended the process. */
  stop(): Promise<number | null>
  /** Sends SIGKILL. */
  kill(): Promise<void>
  /**
   * Starts an ended gateway again on the same ports and data. Dispose of the first gateway last,
   * because it owns the data folder.
   */
  again(options?: GatewayOptions): Promise<GatewayProcess>
}

/** The lines about unexpected errors that a gateway has printed. No client may cause one. */
export function brokenLines(gateway: Pick<GatewayProcess, 'output'>): string[] {
  const broken = /not foreseen|unexpected error|a request failed|was dropped|unhandled|uncaught/i
  return gateway
    .output()
    .split('\n')
    .filter((line) => broken.test(line))
}

/** The secret that gateways under test sign and verify with by default. */
export const testSecret = 'the secret of tests, at least 32 bytes long'

/**
 * All callers in a test share the address of loopback, so with the default rate the speed of the
 * machine would decide whether a test passes. Tests of a rate set their own.
 */
export const ampleRate = { WARREN_MAX_SUBSCRIBE_RATE: '10000' } as const

/** Long enough for a busy machine; a failing start is noticed at once. */
const startMs = 120_000

/**
 * A token as an operator issues it. Scopes as in the contract: `operator`, `publish`,
 * `channel:<pattern>`.
 */
export function testToken(
  claims: { sub?: string; scope?: string } & Record<string, unknown>,
  { ttl = '1h', secret = testSecret } = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime(ttl)
    .sign(Buffer.from(secret))
}

/** Starts the built gateway in a process of its own, as users do, and waits until it is ready. */
export async function startGateway({
  env = {},
  ready = true,
  host,
  checkout,
  openFiles,
}: GatewayOptions = {}): Promise<GatewayProcess> {
  const folder = newFolder()
  const dispose = () => removeFolder(folder)
  const full = {
    WARREN_PORT: String(await freePort()),
    WARREN_OPS_PORT: String(await freePort()),
    WARREN_TCP_PORT: String(await freePort()),
    WARREN_DATA_DIR: join(folder, 'data'),
    WARREN_JWT_SECRET: testSecret,
    // The default would close clients one by one over half a minute.
    WARREN_DRAIN: '0s',
    ...ampleRate,
    ...(host === undefined ? {} : { WARREN_HOST: '0.0.0.0', WARREN_OPS_HOST: '0.0.0.0' }),
    ...env,
  }
  try {
    return await launch({ env: full, ready, host, checkout, openFiles }, dispose)
  } catch (error) {
    dispose()
    throw error
  }
}

/**
 * Runs one command of the program (`token`, `check-config`, …) to its end. The environment has none
 * of the caller's Warren variables.
 */
export function runWarren(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args], { env: cleanEnvironment(env) }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

/** A checkout of an earlier release has no program in a few files. */
const programOf = (checkout: string) => {
  const program = join(checkout, 'dist', 'program', 'main.js')
  return existsSync(program) ? program : join(checkout, 'dist', 'main.js')
}
const program = programOf('')

/** The environment of a program under test: without the caller's Warren variables. */
export function cleanEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const passed = ['PATH', 'HOME', 'TMPDIR', 'LANG']
  const kept = passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(kept), ...env } as Record<string, string>
}

interface Launch {
  readonly env: Record<string, string>
  readonly ready: boolean
  readonly host: NetworkHost | undefined
  readonly checkout?: string | undefined
  readonly openFiles?: number | undefined
}

async function launch(how: Launch, dispose: () => void): Promise<GatewayProcess> {
  const { env, ready, host, checkout = '', openFiles } = how
  const node = [process.execPath, programOf(checkout), 'start'] as const
  const [command, ...args] = onHost(
    host,
    openFiles === undefined ? node : ['prlimit', `--nofile=${openFiles}`, ...node],
  )
  const child = spawnGuarded(command, args, { env: cleanEnvironment(env), output: 'pipe' })
  const gateway = handle(child, how, dispose)
  try {
    await (ready ? gateway.ready(startMs) : gateway.alive(startMs))
  } catch (error) {
    await gateway.kill()
    throw new Error(`The gateway did not start: ${String(error)}\n${gateway.output()}`, { cause: error })
  }
  return gateway
}

function handle(child: ChildProcess, how: Launch, dispose: () => void): GatewayProcess {
  const { env, host } = how
  const address = addressOf(host)
  const [port, opsPort, tcpPort] = ['WARREN_PORT', 'WARREN_OPS_PORT', 'WARREN_TCP_PORT'].map((name) =>
    Number(env[name]),
  )
  if (port === undefined || opsPort === undefined || tcpPort === undefined) throw new Error('unreachable')
  let output = ''
  let ended: Exit | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject)
    // 'close', not 'exit': at 'close' all output has been read.
    child.once('close', (code, signal) => {
      ended = { code, signal }
      resolve(ended)
    })
  })
  const stillRuns = () => {
    if (ended) throw new Hopeless(`the gateway has ended (${ended.signal ?? ended.code})`)
  }
  const end = async (signal: NodeJS.Signals) => {
    child.kill('SIGCONT')
    child.kill(signal)
    return (await exited).code
  }
  const status = (path: string) =>
    fetch(`http://${address}:${opsPort}${path}`).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
  const answers200 = async (path: string, withinMs?: number) => {
    const attempt = async () => {
      stillRuns()
      return (await status(path)) === 200
    }
    // Each request costs both sides CPU that a starting gateway needs.
    await eventually(`the gateway to answer 200 to ${path}`, attempt, { withinMs, everyMs: 100 })
  }
  return {
    pid: child.pid ?? 0,
    env,
    address,
    port,
    opsPort,
    tcpPort,
    dataDir: env['WARREN_DATA_DIR'] ?? '',
    url: `http://${address}:${port}`,
    graphqlUrl: `http://${address}:${port}/graphql`,
    graphqlSocketUrl: `ws://${address}:${port}/graphql`,
    exited,
    output: () => output,
    printed(pattern, withinMs) {
      const check = () => {
        const match = output.match(pattern)
        if (!match) stillRuns()
        return match ?? undefined
      }
      return eventually(`the gateway to print ${String(pattern)}`, check, { withinMs })
    },
    alive: (withinMs) => answers200('/livez', withinMs),
    ready: (withinMs) => answers200('/readyz', withinMs),
    readiness: () => status('/readyz'),
    async metrics() {
      return (await fetch(`http://${address}:${opsPort}/metrics`)).text()
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
    async kill() {
      await end('SIGKILL')
    },
    again: (options = {}) =>
      launch({ ...how, env: { ...env, ...options.env }, ready: options.ready ?? true }, () => {}),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
      dispose()
    },
  }
}
