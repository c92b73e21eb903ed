import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { TestAnswer, TestCall, TestGrant, TestMessage, TestRequest, TestWorkerData } from './requests.ts'

export type { TestGrant, TestMessage } from './requests.ts'

export interface TestGatewayOptions {
  /** The schema of typed events: its files, folders or globs, as `WARREN_SCHEMA` takes them. */
  readonly schema?: string
  /** The schema of typed events as text, in place of `schema`. */
  readonly sdl?: string
  /** Other options of the gateway, such as `{ WARREN_RETENTION: '1h,10MiB' }`. */
  readonly options?: Readonly<Record<string, string>>
}

export interface TestGateway {
  /** Of GraphQL over HTTP and SSE: `http://127.0.0.1:<port>/graphql`. */
  readonly url: string
  /** Of graphql-transport-ws: `ws://127.0.0.1:<port>/graphql`. */
  readonly socketUrl: string
  /** Publishes as a back end does. Resolves when the message is in the journal. */
  publish(message: TestMessage): Promise<void>
  /** A token that the gateway accepts. */
  token(grant?: TestGrant): Promise<string>
  readonly clock: {
    /** The time of the gateway. */
    now(): Promise<Date>
    /**
     * Moves the gateway's clock on, and runs what is due in that time: tokens expire, messages
     * leave the journal. Real time passes on it as well.
     */
    advance(ms: number): Promise<void>
  }
  /** Closes the gateway and removes its files. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a gateway on a free port of this machine, in a thread of this process, with an embedded
 * broker and nothing stored. Rejects with the reason if an option or the schema is invalid.
 */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'warren-testing-'))
  const thread = new GatewayThread(workerDataOf(options, folder))
  const close = async (): Promise<void> => {
    await thread.close()
    rmSync(folder, { recursive: true, force: true })
  }
  let url: string
  try {
    url = await thread.opened
  } catch (error) {
    await close()
    throw error
  }
  return {
    url,
    socketUrl: url.replace(/^http/, 'ws'),
    publish: async (message) => {
      await thread.call({ kind: 'publish', message })
    },
    token: async (grant = {}) => String(await thread.call({ kind: 'token', grant })),
    clock: {
      now: async () => new Date(Number(await thread.call({ kind: 'now' }))),
      advance: async (ms) => {
        await thread.call({ kind: 'advance', ms })
      },
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function workerDataOf({ schema, sdl, options = {} }: TestGatewayOptions, folder: string): TestWorkerData {
  if (schema !== undefined && sdl !== undefined) throw new TypeError('schema, sdl: expected one of them, not both')
  const sdlFile = join(folder, 'events.graphql')
  if (sdl !== undefined) writeFileSync(sdlFile, sdl)
  const files = schema ?? (sdl === undefined ? undefined : sdlFile)
  const secret = options['WARREN_JWT_SECRET'] ?? randomBytes(32).toString('hex')
  const env = {
    WARREN_PORT: '0',
    WARREN_OPS_PORT: 'off',
    WARREN_TCP_PORT: 'off',
    WARREN_DATA_DIR: join(folder, 'data'),
    WARREN_DRAIN: '0s',
    // The longest: see `TestClock`, which moves faster than clients answer pings.
    WARREN_KEEP_ALIVE: '10m',
    WARREN_LOG_LEVEL: 'error',
    ...(files === undefined ? {} : { WARREN_SCHEMA: files }),
    ...options,
    WARREN_JWT_SECRET: secret,
  }
  return { env, secret }
}

/** The thread that runs the gateway, and the calls that wait for its answers. */
class GatewayThread {
  /** Resolves with the URL. */
  readonly opened: Promise<string>
  readonly #worker: Worker
  readonly #ended: Promise<void>
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #calls = 0
  #failure: Error | undefined

  constructor(workerData: TestWorkerData) {
    // Neither the loaders of a test runner nor the options of another gateway.
    this.#worker = new Worker(workerPath(), { workerData, execArgv: [], env: {} })
    this.opened = this.#answered(0).then(String)
    this.opened.catch(() => undefined)
    this.#worker.on('message', (answer: TestAnswer) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if ('error' in answer) waiting?.reject(Object.assign(new Error(answer.error), { code: answer.code }))
      else waiting?.resolve(answer.value)
    })
    this.#worker.on('error', (error) => {
      this.#failure = error
    })
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#failure ??= new Error('the gateway is closed')
        for (const waiting of this.#waiting.values()) waiting.reject(this.#failure)
        this.#waiting.clear()
        resolve()
      })
    })
  }

  call(request: TestRequest): Promise<unknown> {
    if (this.#failure) return Promise.reject(this.#failure)
    this.#calls += 1
    const call: TestCall = { id: this.#calls, request }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(call)
    return this.#answered(call.id)
  }

  async close(): Promise<void> {
    if (!this.#failure) await this.call({ kind: 'close' }).catch(() => undefined)
    await this.#worker.terminate()
    await this.#ended
  }

  #answered(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
    })
  }
}

/** Of the package `warren`, as this module finds it, else the program that runs. */
function workerPath(): string {
  const name = 'warren/testing-worker'
  try {
    return createRequire(import.meta.url).resolve(name)
  } catch {
    return createRequire(join(process.cwd(), 'package.json')).resolve(name)
  }
}
