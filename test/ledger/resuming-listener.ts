import { request } from 'node:http'
import { WebSocket } from 'ws'
import { textOf } from '../support/frames.ts'
import type { Heard } from './accounts.ts'
import { pause } from './pause.ts'
import type { Seeded } from './seeded.ts'

export const channelQuery = `subscription ($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) { kind cursor data gap { reason } }
}`

interface ChannelEvent {
  readonly kind: 'MESSAGE' | 'GAP' | 'CHECKPOINT'
  readonly cursor: string
  readonly data: { readonly number: number } | null
  readonly gap: { readonly reason: string } | null
}

interface Result {
  readonly data?: { readonly channel: ChannelEvent } | null
  readonly errors?: unknown
}

const maxComeBackMs = 100

/**
 * A client as the documentation asks for: it keeps the cursor of the last event, and whenever its connection ends it comes back behind
 * it, on any replica, over WebSocket or server-sent events.
 */
export class ResumingListener {
  readonly client: string
  readonly heard: Heard[] = []
  /** Where it came back, and how many it had heard by then: to tell what went wrong. */
  readonly journey: { readonly heard: number; readonly how: string }[] = []
  /** What should not happen whatever breaks: an error instead of events, an event id that is not the cursor. */
  readonly problems: string[] = []
  /** How often it has come back with a cursor. */
  resumes = 0
  cursor: string
  readonly #token: string
  readonly #ports: readonly number[]
  readonly #random: Seeded
  #stopped = false
  #away: Promise<void> | undefined
  #back = (): void => {}
  #cut = (): void => {}
  #running: Promise<void> = Promise.resolve()

  constructor(options: {
    client: string
    token: string
    cursor: string
    ports: readonly number[]
    random: Seeded
  }) {
    this.client = options.client
    this.cursor = options.cursor
    this.#token = options.token
    this.#ports = options.ports
    this.#random = options.random
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#back()
    this.#cut()
    await this.#running
  }

  /** Its network goes, without a word to the server. */
  cut(): void {
    this.#cut()
  }

  /** Cut, and not back before `comeBack`. */
  leave(): void {
    this.#away ??= new Promise((resolve) => {
      this.#back = resolve
    })
    this.#cut()
  }

  comeBack(): void {
    this.#away = undefined
    this.#back()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.#away
      if (this.#stopped) return
      const port = this.#random.pick(this.#ports)
      const transport = this.#random.pick(['ws', 'sse'])
      if (transport === 'ws') await this.#overWebSocket(port)
      else await this.#overEvents(port)
      await pause(this.#random.between(0, maxComeBackMs))
    }
  }

  #overWebSocket(port: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws')
      this.#cut = () => socket.terminate()
      const send = (frame: object): void => socket.send(JSON.stringify(frame))
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.on('open', () => send({ type: 'connection_init', payload: { token: this.#token } }))
      socket.on('message', (data) => {
        const frame = JSON.parse(textOf(data)) as { type: string; payload?: Result }
        if (frame.type === 'ping') send({ type: 'pong' })
        else if (frame.type === 'connection_ack') {
          this.#resumed(`ws ${port}`)
          const variables = { clientId: this.client, after: this.cursor }
          send({ id: '1', type: 'subscribe', payload: { query: channelQuery, variables } })
        } else if (frame.type === 'next') this.#take(frame.payload ?? {})
        else {
          this.problems.push(`over WebSocket came ${JSON.stringify(frame)}`)
          socket.terminate()
        }
      })
    })
  }

  #overEvents(port: number): Promise<void> {
    return new Promise((resolve) => {
      const fromHeader = this.#random.next() < 0.5
      const variables = { clientId: this.client, after: fromHeader ? null : this.cursor }
      const call = request({
        host: '127.0.0.1',
        port,
        path: '/graphql',
        method: 'POST',
        agent: false,
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${this.#token}`,
          ...(fromHeader ? { 'last-event-id': this.cursor } : {}),
        },
      })
      this.#cut = () => call.destroy()
      call.on('error', () => {})
      call.on('close', () => resolve())
      call.on('response', (response) => {
        if (response.statusCode === 200) this.#resumed(`sse ${port}`)
        else this.problems.push(`over SSE came status ${response.statusCode}`)
        let text = ''
        response.setEncoding('utf8')
        response.on('error', () => {})
        response.on('data', (chunk: string) => {
          text += chunk
          const blocks = text.split('\n\n')
          text = blocks.pop() ?? ''
          for (const block of blocks) this.#takeBlock(block)
        })
      })
      call.end(JSON.stringify({ query: channelQuery, variables }))
    })
  }

  #resumed(how: string): void {
    this.resumes += 1
    this.journey.push({ heard: this.heard.length, how: `${how} behind ${this.cursor}` })
  }

  #takeBlock(block: string): void {
    const field = (name: string): string | undefined =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2)
    if (field('event') !== 'next') return
    this.#take(JSON.parse(field('data') ?? '{}') as Result)
    if (field('id') !== this.cursor)
      this.problems.push(`the event's id ${field('id')} is not its cursor ${this.cursor}`)
  }

  #take(result: Result): void {
    const event = result.data?.channel
    if (!event) {
      this.problems.push(`instead of an event came ${JSON.stringify(result)}`)
      return
    }
    this.cursor = event.cursor
    if (event.kind === 'GAP') this.heard.push({ kind: 'gap', reason: event.gap?.reason ?? 'none' })
    else if (event.kind === 'MESSAGE') this.heard.push({ kind: 'event', number: event.data?.number ?? -1 })
  }
}
