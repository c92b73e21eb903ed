import { endWhenSilent } from '@warren/client'
import { type Consumer, consume } from '@warren/client/consume'
import { createClient } from 'graphql-ws'

export interface Settings {
  readonly gateway: string
  readonly clientId: string
  readonly device: string
  readonly token: string
}

export interface InboxMessage {
  readonly cursor: string
  readonly text: string
}

export interface Inbox {
  readonly messages: readonly InboxMessage[]
  /** Messages after those that were read, on any device. */
  readonly unread: number
  /** Why nothing more arrives. */
  readonly stopped: string | undefined
}

/** The position up to which the client has read. All its devices share it. */
const readPosition = 'read'
/** How often the page asks what was read on another device, in milliseconds. */
const refreshMs = 1_000

const received = `subscription Inbox($clientId: ID!, $position: String, $after: Cursor) {
  channel(clientId: $clientId, position: $position, after: $after, checkpoints: true) { kind cursor data }
}`
const unread = `query Unread($clientId: ID!, $position: String!) {
  clientChannel(clientId: $clientId) { cursor unread(position: $position) { count } }
}`
const ack = 'mutation Ack($position: String!, $cursor: Cursor!) { ack(position: $position, cursor: $cursor) }'

/**
 * The messages that this device received, and how many are unread. The device has a position of its
 * own, so it receives everything that came while it was away.
 */
export class InboxStore {
  readonly #settings: Settings
  readonly #listeners = new Set<() => void>()
  readonly #key: string
  #inbox: Inbox

  constructor(settings: Settings) {
    this.#settings = settings
    this.#key = `inbox:${settings.clientId}:${settings.device}`
    const stored = JSON.parse(localStorage.getItem(this.#key) ?? '[]') as InboxMessage[]
    this.#inbox = { messages: stored, unread: 0, stopped: undefined }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly getSnapshot = (): Inbox => this.#inbox

  async open(): Promise<Consumer> {
    const { gateway, clientId, device, token } = this.#settings
    await this.#refresh()
    setInterval(() => void this.#refresh().catch(() => undefined), refreshMs)
    const client = createClient({
      url: gateway.replace(/^http/, 'ws'),
      connectionParams: { token },
      retryAttempts: 0, // consume reconnects.
      keepAlive: 10_000,
    })
    endWhenSilent(client)
    return consume<{ kind: string; cursor: string; data: { text: string } }>(client, {
      query: received,
      variables: { clientId },
      position: device,
      handle: ({ kind, cursor, data }) => {
        if (kind === 'MESSAGE') this.#add({ cursor, text: data.text })
        void this.#refresh().catch(() => undefined)
      },
      // Not started again: two pages of one device would take the position from each other.
      onError: (error) => this.#change({ stopped: String(error) }),
    })
  }

  async markRead(): Promise<void> {
    const cursor = this.#inbox.messages.at(-1)?.cursor
    if (cursor === undefined) return
    await this.#ask(ack, { position: readPosition, cursor })
    await this.#refresh()
  }

  /** At least once: after a crash of the page, an event comes again. */
  #add(message: InboxMessage): void {
    if (this.#inbox.messages.some(({ cursor }) => cursor === message.cursor)) return
    const messages = [...this.#inbox.messages, message].slice(-100)
    // Stored before the event is acknowledged.
    localStorage.setItem(this.#key, JSON.stringify(messages))
    this.#change({ messages })
  }

  async #refresh(): Promise<void> {
    const { clientId } = this.#settings
    const { clientChannel } = await this.#ask<{
      clientChannel: { cursor: string; unread: { count: number } | null } | null
    }>(unread, { clientId, position: readPosition })
    if (!clientChannel) throw new Error(`no client channel ${clientId}: register it first`)
    // The first page of the client: what came before it counts as read.
    if (!clientChannel.unread) await this.#ask(ack, { position: readPosition, cursor: clientChannel.cursor })
    this.#change({ unread: clientChannel.unread?.count ?? 0 })
  }

  async #ask<Data>(query: string, variables: object): Promise<Data> {
    const { gateway, token } = this.#settings
    const response = await fetch(gateway, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as { data: Data; errors?: readonly { message: string }[] }
    if (errors) throw new Error(errors.map(({ message }) => message).join('; '))
    return data
  }

  #change(part: Partial<Inbox>): void {
    this.#inbox = { ...this.#inbox, ...part }
    for (const listener of this.#listeners) listener()
  }
}
