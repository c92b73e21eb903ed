'use client'
import type { SubscriptionClient } from '../client/resume.ts'
import { type LiveOptions, type Recent, type RecentOptions, recent } from '../client/state.ts'
import { connecting, useStore } from './use-store.ts'

/** A message of a channel, as `ChannelEvent` of the gateway's schema describes it. */
export interface ChannelMessage<Data = unknown> {
  readonly cursor: string
  readonly data: Data
  readonly type: string | null
  readonly contentType: string | null
  readonly messageId: string | null
  readonly headers: unknown
  readonly publishedAt: string | null
  readonly receivedAt: string
}

export interface ChannelOptions extends Omit<LiveOptions, 'query' | 'variables' | 'operationName' | 'extensions'> {
  readonly clientId: string
  /** Begins after this cursor. Default: now. */
  readonly after?: string
  /** Begins with the last n messages. */
  readonly last?: number
  /** At most one message in that time, the newest, such as `250ms`. */
  readonly every?: string
  /** How many messages are kept. Default 100. */
  readonly keep?: number
}

const query = `subscription Channel($clientId: ID!, $after: Cursor, $last: Int, $every: String) {
  channel(clientId: $clientId, after: $after, last: $last, every: $every, checkpoints: true) {
    kind cursor data type contentType messageId headers publishedAt receivedAt gap { reason oldest }
  }
}`

/**
 * The newest messages of a client's channel, oldest first. Another channel, `after`, `last` or
 * `every` begins with an empty list. `client`: as for `useLatest`.
 */
export function useChannel<Data = unknown>(
  client: SubscriptionClient | null,
  options: ChannelOptions,
): Recent<ChannelMessage<Data>> {
  const { clientId, after, last, every, ...rest } = options
  const variables = { clientId, after, last, every }
  const empty = nothingYet as Recent<ChannelMessage<Data>>
  return useStore<RecentOptions, typeof empty>(client, { ...rest, query, variables }, recent, empty)
}

const nothingYet: Recent<never> = { ...connecting, events: [] }
