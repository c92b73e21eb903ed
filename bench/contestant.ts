import type { Broker } from './rabbit/broker.ts'

/** The origin of messages: created in the contestant's own process, or published to RabbitMQ. */
export type Source = 'process' | 'rabbit'

/**
 * `S` sends a text, `E` waits for a frame that contains it. `load/subscribers.c` explains the names
 * in braces, which it replaces with numbers.
 */
export type Step = readonly ['S' | 'E', string]

/** A running contestant that accepts subscribers. */
export interface Running {
  readonly port: number
  /** The control port of its source of messages. */
  readonly control: number
  /** The processes to measure: their CPU and memory count. */
  readonly pids: readonly number[]
  readonly path: string
  readonly protocol?: string
  /**
   * The dialogue from the open socket to the subscription, for the GraphQL operation of the
   * subscriber.
   */
  script(operation: string): readonly Step[]
  readonly tokens?: readonly string[]
  /** Its own keep-alive: what it sends, and the answer that it expects. */
  readonly ping?: readonly [string, string]
  /** The port of RabbitMQ from which it receives messages. */
  readonly broker?: number
  stop(): Promise<void>
}

export interface Contestant {
  readonly name: ContestantName
  readonly title: string
  readonly sources: readonly Source[]
  /** Whether it supports a mix of operations. */
  readonly graphql: boolean
  start(source: Source, broker: () => Promise<Broker>): Promise<Running>
}

export const contestantNames = [
  'warren',
  'warren-socketcluster',
  'yoga',
  'mercurius',
  'socketcluster',
  'socket-io',
  'web-stomp',
  'nchan',
  'ws-own',
  'ws-prepared',
  'bare-c',
] as const
export type ContestantName = (typeof contestantNames)[number]
