import { randomUUID } from 'node:crypto'
import type { FanoutConsumption, GatewayBroker } from '../../brokers/driver.ts'
import { BoundedSet } from '../../core/limits/bounded-set.ts'
import type { Message, MessageProperties } from '../../core/model/message.ts'
import { GatewayError } from '../../errors.ts'
import type { RoomMember } from './member.ts'
import { PublishBuffer } from './publish-buffer.ts'
import { type FrameKind, RoomFrame } from './room-frame.ts'

/** The header that names the replica which has already delivered the frame to its clients. */
const replicaHeader = 'x-warren-replica'
/**
 * How many frames of other replicas are remembered. A replica publishes a frame again if its
 * confirmation was lost.
 */
const rememberedFrames = 10_000
/**
 * How long frames wait for processors that have disconnected, in milliseconds. The limits of
 * `PublishBuffer` apply to them.
 */
const processorsMs = 30_000
/** How long the broker may take to confirm the last frames on close, in milliseconds. */
const closeMs = 2_000

export interface RoomOptions {
  readonly broker: GatewayBroker
  readonly namespace: string
  /** The exchange to which frames of clients are published, for processors. */
  readonly outExchange: string
  /** The exchange to which processors publish what every client gets. */
  readonly inExchange: string
  readonly maxBufferedBytes: number
  readonly log: (level: 'info' | 'warn' | 'error', text: string, details?: Record<string, unknown>) => void
}

/**
 * The common room. A client's frame goes to all other clients: on this replica at once, on other
 * replicas through the exchange `<namespace>.room`. It also goes to processors, and what they
 * answer goes to every client. All replicas form one room.
 */
export class Room {
  readonly #options: RoomOptions
  readonly #members = new Set<RoomMember>()
  readonly #replica = randomUUID()
  readonly #replicaExchange: string
  readonly #unpublished: PublishBuffer
  readonly #fanouts: FanoutConsumption
  /** The copies of a frame that the broker has not confirmed. */
  readonly #unconfirmed = new WeakMap<RoomFrame, Set<'room' | 'processors'>>()
  #processors: { wereBound: boolean; missingSince: number | undefined } = {
    wereBound: false,
    missingSince: undefined,
  }
  readonly #receivedIds = new BoundedSet<string>(rememberedFrames)

  constructor(options: RoomOptions) {
    this.#options = options
    const { broker, namespace, inExchange, outExchange } = options
    this.#replicaExchange = `${namespace}.room`
    this.#unpublished = new PublishBuffer({
      publish: (frame) => this.#publish(frame),
      maxClientBytes: options.maxBufferedBytes,
      onRefused: (reason) => options.log('warn', `frames of the WebSocket manager wait for the broker: ${reason}`),
      onDropped: (reason) => options.log('error', `a frame of the WebSocket manager was dropped: ${reason}`),
    })
    this.#fanouts = broker.consumeFanouts(
      { own: this.#replicaExchange, fedBy: [inExchange], declared: [outExchange] },
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
   * Delivers and publishes a client's frame. False: too many frames wait for the broker, and this
   * one was neither delivered nor published.
   */
  accept(sender: RoomMember, frame: RoomFrame): boolean {
    const accepted = this.#unpublished.accept({
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
    const lost = await this.#unpublished.close(closeMs)
    if (lost > 0) this.#options.log('warn', `${lost} frames of the WebSocket manager never reached the broker`)
    await this.#fanouts.close()
  }

  #onMessage(message: Message): void {
    if (message.exchange !== this.#replicaExchange) return this.#deliver(RoomFrame.of(message), 'processed')
    const { headers, messageId = '' } = message.properties
    if (headers?.[replicaHeader] === this.#replica || this.#receivedIds.has(messageId)) return
    this.#receivedIds.add(messageId)
    this.#deliver(RoomFrame.of(message), 'other')
  }

  #deliver(frame: RoomFrame, kind: FrameKind, except?: RoomMember): void {
    for (const member of this.#members) if (member !== except) member.deliver(frame, kind)
  }

  /**
   * Publishes both copies at once, so that frames have one order on both exchanges, and the other
   * replicas get a frame before a processor's answer to it.
   */
  async #publish(frame: RoomFrame): Promise<void> {
    // A processor may answer before this replica's queue is bound, and its answer would be lost.
    if (!this.#fanouts.bound) throw new Error('the queue for the answers of processors is not bound yet')
    const { body, properties } = frame
    const parts = this.#unconfirmed.get(frame) ?? new Set(['room', 'processors'] as const)
    this.#unconfirmed.set(frame, parts)
    const replicaProperties = { ...properties, headers: { [replicaHeader]: this.#replica } }
    const publishing = {
      room: (): Promise<void> => this.#send(this.#replicaExchange, body, replicaProperties, false),
      processors: (): Promise<void> => this.#sendToProcessors(body, properties),
    }
    const results = await Promise.allSettled(
      [...parts].map((part) => publishing[part]().then(() => parts.delete(part))),
    )
    const failure = results.find((result) => result.status === 'rejected')
    if (failure) throw failure.reason
  }

  /**
   * Rejects, so that the frame is published again, if processors were bound and are not now: they
   * or RabbitMQ restart. If there were none, the copy is dropped.
   */
  async #sendToProcessors(body: Buffer, properties: MessageProperties): Promise<void> {
    try {
      await this.#send(this.#options.outExchange, body, properties, true)
      this.#processors = { wereBound: true, missingSince: undefined }
    } catch (error) {
      if (!(error instanceof GatewayError) || error.field !== 'routingKey') throw error
      const { wereBound, missingSince = performance.now() } = this.#processors
      const waits = wereBound && performance.now() - missingSince < processorsMs
      this.#processors = { wereBound: waits, missingSince }
      if (waits) throw new Error('no processor is bound to its exchange', { cause: error })
    }
  }

  async #send(exchange: string, body: Buffer, properties: MessageProperties, mandatory: boolean): Promise<void> {
    await this.#options.broker.publish({ exchange, routingKey: '', body, properties, mandatory, payer: 'room' })
  }
}
