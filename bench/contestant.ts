import type { Broker } from './rabbit/broker.ts'

/** The source of messages: the contestant's own process, or RabbitMQ. */
export type Source = 'process' | 'rabbit'

/**
 * `S` sends a text, `E` waits for a frame that contains it. `load/subscribers.c` defines the
 * numbers in braces.
 */
export type Step = readonly ['S' | 'E', string]

/** A running contestant. */
export interface Running {
  readonly port: number
  /** The control port of its source of messages. */
  readonly control: number
  /** The processes with the CPU and memory that count. */
  readonly pids: readonly number[]
  readonly path: string
  readonly protocol?: string
  /** The frames from the open socket to the subscription, for a GraphQL operation. */
  script(operation: string): readonly Step[]
  readonly tokens?: readonly string[]
  /** Its own keep-alive: the ping that it sends, and the expected answer. */
  readonly ping?: readonly [string, string]
  /** The port of the RabbitMQ that its messages come from. */
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
  'warren-amqplib',
  'warren-typed',
  'warren-filters',
  'yoga',
  'mercurius',
  'socketcluster',
  'socket-io',
  'web-stomp',
  'nchan',
  'ws-own',
  'ws-prepared',
  'ws-stream',
  'bare-c',
] as const
export type ContestantName = (typeof contestantNames)[number]
