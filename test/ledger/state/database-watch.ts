import { Client } from 'pg'
import { pause } from '../pause.ts'

const everyMs = 100

interface StateRow {
  readonly part: string
  readonly epoch: string
  readonly holder: string
  readonly fence: number
  readonly offset: number
}

/**
 * Reads the rows of states and positions again and again, without Warren, and compares them with
 * what they were: a fold with an old fencing number, or an ack of the past, would move them back.
 */
export class DatabaseWatch {
  readonly problems: string[] = []
  reads = 0
  readonly #url: string
  readonly #states = new Map<string, StateRow>()
  readonly #positions = new Map<string, number>()
  #client: Client | undefined
  #isStopped = false
  #running: Promise<void> = Promise.resolve()

  constructor(url: string) {
    this.#url = url
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
    await this.#disconnect()
  }

  /** The state of the ledger's field, as of the last read. */
  get state(): StateRow | undefined {
    return [...this.#states.values()].at(-1)
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#read().catch(() => this.#disconnect())
      await pause(everyMs)
    }
  }

  async #read(): Promise<void> {
    const client = this.#client ?? (await this.#connect())
    const states = await client.query<Record<'id' | 'part' | 'epoch' | 'holder' | 'fence' | 'folded_offset', string>>(
      'select id, part, epoch, holder, fence, folded_offset from warren_states',
    )
    for (const { id, part, epoch, holder, fence, folded_offset } of states.rows)
      this.#compare(id, { part, epoch, holder, fence: Number(fence), offset: Number(folded_offset) })
    const positions = await client.query<Record<'client_id' | 'name' | 'next_offset', string>>(
      'select client_id, name, next_offset from warren_positions where next_offset is not null',
    )
    for (const { client_id, name, next_offset } of positions.rows) {
      const key = `${name} of ${client_id}`
      const before = this.#positions.get(key) ?? 0
      if (Number(next_offset) < before) this.problems.push(`${key} moved back from ${before} to ${next_offset}`)
      this.#positions.set(key, Number(next_offset))
    }
    this.reads += 1
  }

  #compare(id: string, state: StateRow): void {
    const before = this.#states.get(id)
    if (before && state.fence < before.fence)
      this.problems.push(`the fencing number went back from ${before.fence} to ${state.fence}`)
    if (before && state.part === before.part && state.offset < before.offset)
      this.problems.push(`the fold went back from offset ${before.offset} to ${state.offset}, of ${state.holder}`)
    this.#states.set(id, state)
  }

  async #connect(): Promise<Client> {
    const client = new Client({ connectionString: this.#url })
    client.on('error', () => {})
    await client.connect()
    this.#client = client
    return client
  }

  async #disconnect(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }
}
