import { randomUUID } from 'node:crypto'
import type { GatewayBroker } from '../../brokers/driver.ts'
import { BoundedSet } from '../../core/limits/bounded-set.ts'
import type { Message, MessageProperties } from '../../core/model/message.ts'
import { GatewayError } from '../../errors.ts'
import type { RoomMember } from './member.ts'
import { PublishBuffer } from './publish-buffer.ts'
import { type FrameKind, RoomFrame } from './room-frame.ts'

/** The header that names the replica whose clients have a frame already. */
const replicaHeader = 'x-warren-replica'
/**
 * Frames of other replicas that are remembered: one whose confirmation was lost is published again.
 */
const rememberedFrames = 10_000
/**
 * How long processors are waited for that were there, in milliseconds: frames wait for them within
 * the bounds of those that wait for the broker.
 */
const processorsMs = 30_000
/** What the broker is given to confirm the rest at the end, in milliseconds. */
const closeMs = 2_000

export interface RoomOptions {
  readonly broker: GatewayBroker
  readonly namespace: string
  /** Where frames of clients go, for processors. */
  readonly outExchange: string
  /** Where processors put what goes to every client. */
  readonly inExchange: string
  readonly maxBufferedBytes: number
  readonly log: (level: 'info' | 'warn' | 'error', text: string, details?: Record<string, unknown>) => void
}

/**
 * The common room: what a client sends goes to all others, here at once, on other replicas through
 * the exchange `<namespace>.room`, and to processors; what processors answer goes to everybody.
 * Several replicas are one room.
 */
export class Room {
  readonly #options: RoomOptions
  readonly #members = new Set<RoomMember>()
  readonly #replica = randomUUID()
  readonly #amongReplicas: string
  readonly #held: PublishBuffer
  readonly #fanouts: { close(): Promise<void> }
  /** What of a frame the broker has not confirmed. */
  readonly #unconfirmed = new WeakMap<RoomFrame, Set<'room' | 'processors'>>()
  #processors: { were: boolean; missingSince: number | undefined } = { were: false, missingSince: undefined }
  readonly #seen = new BoundedSet<string>(rememberedFrames)

  constructor(options: RoomOptions) {
    this.#options = options
    const { broker, namespace, inExchange, outExchange } = options
    this.#amongReplicas = `${namespace}.room`
    this.#held = new PublishBuffer({
      publish: (frame) => this.#publish(frame),
      maxBytesOfOne: options.maxBufferedBytes,
      onRefused: (reason) => options.log('warn', `frames of the WebSocket manager wait for the broker: ${reason}`),
      onDropped: (reason) => options.log('error', `a frame of the WebSocket manager was dropped: ${reason}`),
    })
    this.#fanouts = broker.consumeFanouts(
      { own: this.#amongReplicas, fedBy: [inExchange], declared: [outExchange] },
      (message) => this.#onMessage(message),
    )
  }

  join(member: RoomMember): void {
    this.#members.add(member)
  }

  leave(member: RoomMember): void {
    this.#members.delete(member)
  }

  /**
   * False: too many frames wait for the broker, and this one was not accepted. What is accepted
   * reaches the broker.
   */
  accept(sender: RoomMember, frame: RoomFrame): boolean {
    const accepted = this.#held.accept({
      frame,
      sender,
      payer: sender.payer,
      onConfirmed: () => {
        if (sender.envelope === 'json' && this.#members.has(sender)) sender.deliver(frame, 'sent')
      },
    })
    if (accepted) this.#deliver(frame, 'other', sender)
    return accepted
  }

  async close(): Promise<void> {
    const lost = await this.#held.close(closeMs)
    if (lost > 0) this.#options.log('warn', `${lost} frames of the WebSocket manager never reached the broker`)
    await this.#fanouts.close()
  }

  #onMessage(message: Message): void {
    if (message.exchange !== this.#amongReplicas) return this.#deliver(RoomFrame.of(message), 'processed')
    const { headers, messageId = '' } = message.properties
    if (headers?.[replicaHeader] === this.#replica || this.#seen.has(messageId)) return
    this.#seen.add(messageId)
    this.#deliver(RoomFrame.of(message), 'other')
  }

  #deliver(frame: RoomFrame, kind: FrameKind, except?: RoomMember): void {
    for (const member of this.#members) if (member !== except) member.deliver(frame, kind)
  }

  /**
   * Both copies are asked for at once, so that they stand in one order on every exchange; other
   * clients' before what processors answer.
   */
  async #publish(frame: RoomFrame): Promise<void> {
    const { body, properties } = frame
    const parts = this.#unconfirmed.get(frame) ?? new Set(['room', 'processors'] as const)
    this.#unconfirmed.set(frame, parts)
    const among = { ...properties, headers: { [replicaHeader]: this.#replica } }
    const publishing = {
      room: (): Promise<void> => this.#send(this.#amongReplicas, body, among, false),
      processors: (): Promise<void> => this.#sendToProcessors(body, properties),
    }
    const results = await Promise.allSettled(
      [...parts].map((part) => publishing[part]().then(() => parts.delete(part))),
    )
    const failure = results.find((result) => result.status === 'rejected')
    if (failure) throw failure.reason
  }

  /**
   * Processors that were there and are gone, for a restart of theirs or of RabbitMQ's, are waited
   * for. Where there are none, nobody is told.
   */
  async #sendToProcessors(body: Buffer, properties: MessageProperties): Promise<void> {
    try {
      await this.#send(this.#options.outExchange, body, properties, true)
      this.#processors = { were: true, missingSince: undefined }
    } catch (error) {
      if (!(error instanceof GatewayError) || error.field !== 'routingKey') throw error
      const { were, missingSince = performance.now() } = this.#processors
      const waitFor = were && performance.now() - missingSince < processorsMs
      this.#processors = { were: waitFor, missingSince }
      if (waitFor) throw new Error('no processor is bound to its exchange', { cause: error })
    }
  }

  async #send(exchange: string, body: Buffer, properties: MessageProperties, mandatory: boolean): Promise<void> {
    await this.#options.broker.publish({ exchange, routingKey: '', body, properties, mandatory, payer: 'room' })
  }
}
