import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { appendFile, chmod, chown, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { addressOf, type NetworkHost, onHost } from '../network/network-host.ts'
import { freePort } from '../network/ports.ts'
import { debianPackages, locate } from './debian-package.ts'
import { newFolder, removeFolder } from './run-folder.ts'

const run = promisify(execFile)

const setpriv = '/usr/bin/setpriv'

/**
 * A PostgreSQL server for one test file, with its own port and data. It ends with the process of
 * the test.
 */
export class Postgres {
  readonly port: number
  readonly #folder: string
  readonly #user: string | undefined
  readonly #host: NetworkHost | undefined
  #server: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #databases = 0

  private constructor(port: number, folder: string, user: string | undefined, host: NetworkHost | undefined) {
    this.port = port
    this.#folder = folder
    this.#user = user
    this.#host = host
  }

  /** `host`: the network host that runs it. Default: this machine, on loopback. */
  static async start(host?: NetworkHost): Promise<Postgres> {
    const folder = newFolder()
    const data = join(folder, 'data')
    await mkdir(data)
    // PostgreSQL refuses to run as root; its package creates a user.
    const user = process.getuid?.() === 0 ? 'postgres' : undefined
    if (user) {
      await chmod(folder, 0o711)
      await chown(data, await idOf('-u', user), await idOf('-g', user))
    }
    // All ports of a network host are free.
    const postgres = new Postgres(host === undefined ? await freePort() : 5432, folder, user, host)
    const initdb = join(dirname(locate(debianPackages.postgres)), 'initdb')
    const options = ['--username=warren', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync']
    const [command, ...args] = postgres.#unprivileged([initdb, '-D', data, ...options])
    await run(command, args, { cwd: data })
    if (host !== undefined) await appendFile(join(data, 'pg_hba.conf'), 'host all all 0.0.0.0/0 trust\n')
    await postgres.start()
    return postgres
  }

  /** Starts on the same port with the same data. Resolves when it accepts connections. */
  async start(): Promise<void> {
    const data = join(this.#folder, 'data')
    const settings = [`listen_addresses=${addressOf(this.#host)}`, 'unix_socket_directories=', 'fsync=off']
    const [command, ...args] = this.#unprivileged(
      [locate(debianPackages.postgres), '-D', data, '-p', String(this.port), ...settings.flatMap((one) => ['-c', one])],
      // QUIT is PostgreSQL's immediate shutdown and ends its child processes; KILL would leave
      // them.
      ['--pdeathsig', 'QUIT'],
    )
    const [program, ...inside] = onHost(this.#host, [command, ...args])
    const server = spawn(program, inside, {
      cwd: data,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#server = server
    this.#exited = new Promise((resolve) => {
      server.once('exit', () => resolve())
      server.once('error', () => resolve())
    })
    const log = join(this.#folder, 'log')
    server.stderr.pipe(createWriteStream(log, { flags: 'a' }))
    const accepts = new Promise<boolean>((resolve) => {
      createInterface({ input: server.stderr }).on('line', (line) => {
        if (line.includes('ready to accept connections')) resolve(true)
      })
      void this.#exited.then(() => resolve(false))
    })
    if (await accepts) return
    throw new Error(`PostgreSQL did not start.\n${await readFile(log, 'utf8').catch(() => '')}`)
  }

  /** As in a crash: cuts every connection. */
  async crash(): Promise<void> {
    this.#server?.kill('SIGQUIT')
    await this.#exited
  }

  /** Creates an empty database and resolves to its URL. */
  async newDatabase(): Promise<string> {
    this.#databases += 1
    const name = `test_${this.#databases}`
    await this.query(`create database ${name}`)
    return this.url(name)
  }

  url(database = 'postgres'): string {
    return `postgres://warren@${addressOf(this.#host)}:${this.port}/${database}`
  }

  /** Runs one statement as the administrator; resolves to its rows. */
  async query(text: string, url = this.url()): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<Record<string, unknown>>(text)
      return rows
    } finally {
      await client.end()
    }
  }

  async close(): Promise<void> {
    await this.crash()
    removeFolder(this.#folder)
  }

  #unprivileged(command: string[], options: string[] = []): [string, ...string[]] {
    const [program = '', ...args] = command
    if (!existsSync(setpriv)) return [program, ...args]
    const user = this.#user ? [`--reuid=${this.#user}`, `--regid=${this.#user}`, '--clear-groups'] : []
    return [setpriv, ...user, ...options, ...command]
  }
}

async function idOf(flag: '-u' | '-g', user: string): Promise<number> {
  const { stdout } = await run('id', [flag, user])
  return Number(stdout)
}
