import type { Broker } from './rabbit/broker.ts'

/** Where messages come from: made in the contestant's own process, or published to RabbitMQ. */
export type Source = 'process' | 'rabbit'

/**
 * `S` sends a text, `E` waits for a frame that contains it; `load/subscribers.c` says what stands
 * for numbers in braces.
 */
export type Step = readonly ['S' | 'E', string]

/** A contestant that takes subscribers. */
export interface Running {
  readonly port: number
  /** Of its source of messages. */
  readonly control: number
  /** Whose CPU and memory count. */
  readonly pids: readonly number[]
  readonly path: string
  readonly protocol?: string
  /**
   * How a subscriber gets from the open socket to its subscription, by the GraphQL operation that
   * it asks for.
   */
  script(operation: string): readonly Step[]
  readonly tokens?: readonly string[]
  /** Its own keep-alive: what it sends, and what it wants as answer. */
  readonly ping?: readonly [string, string]
  /** The port of RabbitMQ that messages come to it from. */
  readonly broker?: number
  stop(): Promise<void>
}

export interface Contestant {
  readonly name: ContestantName
  readonly title: string
  readonly sources: readonly Source[]
  /** Whether it can be asked for a mix of operations. */
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
