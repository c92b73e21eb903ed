import { EventEmitter } from 'node:events'
import type { ChannelModel, Options } from 'amqplib'
import {
  type ConnectionSession,
  type OpenConnection,
  Unresponsive,
} from '../../../../src/brokers/rabbitmq/connection/reconnecting-connection.ts'
import { Inbox } from '../../../support/frames/inbox.ts'

/** A publication as the broker received it. */
export interface Arrived {
  readonly exchange: string
  readonly id: string
  readonly isRepeated: boolean
  /** Channels of all connections, counted from 0. */
  readonly channel: number
  confirm(): void
  nack(): void
  /** Sends basic.return, which precedes the confirm. */
  giveBack(): void
}

/**
 * The publishing side of RabbitMQ, with answers that a test decides. It has only what a publisher
 * uses.
 */
export class ScriptedBroker {
  readonly arrived = new Inbox<Arrived>('publications')
  /** Called with each publication, also with those that no test takes from `arrived`. */
  onArrived: (arrived: Arrived) => void = () => {}
  /** The reasons with which the user failed sessions. */
  readonly failures: Error[] = []
  #channels = 0
  #session: AbortController | undefined
  #open: (() => void) | undefined

  readonly openConnection: OpenConnection = (options) => {
    this.#open = () => {
      const end = new AbortController()
      this.#session = end
      const fail = (error: Error): void => {
        if (end.signal.aborted) return
        this.failures.push(error)
        this.lose()
      }
      const session = {
        connection: this.#connection(),
        signal: end.signal,
        mayMove: true,
        fail,
        failNode: (reason: string) => fail(new Unresponsive(reason)),
      }
      void options.establish(session as unknown as ConnectionSession)
    }
    this.#open()
    return { close: () => Promise.resolve() } as unknown as ReturnType<OpenConnection>
  }

  /** Ends the connection; the next one opens at once. */
  lose(): void {
    this.#session?.abort(new Error('lost'))
    this.#open?.()
  }

  #connection(): ChannelModel {
    const connection = {
      connection: { frameMax: 0 },
      createChannel: () =>
        Promise.resolve(
          Object.assign(new EventEmitter(), { checkExchange: () => Promise.resolve(), close: () => Promise.resolve() }),
        ),
      createConfirmChannel: () => Promise.resolve(this.#channel()),
    }
    return connection as unknown as ChannelModel
  }

  #channel(): EventEmitter {
    const number = this.#channels
    this.#channels += 1
    const channel = new EventEmitter()
    const publish = (
      exchange: string,
      _key: string,
      _body: Buffer,
      options: Options.Publish,
      answer: (error: Error | null) => void,
    ): boolean => {
      const id = String(options.messageId)
      const headers = options.headers as Record<string, unknown> | undefined
      const arrived: Arrived = {
        exchange,
        id,
        isRepeated: headers?.['x-warren-repeated'] === true,
        channel: number,
        confirm: () => answer(null),
        nack: () => answer(new Error('message nacked')),
        giveBack: () => channel.emit('return', { properties: { messageId: id } }),
      }
      this.arrived.push(arrived)
      this.onArrived(arrived)
      return true
    }
    return Object.assign(channel, { publish, close: () => Promise.resolve() })
  }
}
