import type { Message } from '../../../core/model/message.ts'
import type { Request } from '../../../core/ports/requester.ts'
import type { Options } from '../connection/amqp.ts'
import { toAmqp } from '../message/properties.ts'
import { checkProperties } from '../publish/publishable.ts'

/** One request from its call until its caller has the answer. */
export class PendingRequest {
  /** The correlation id. */
  readonly id: string
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly timeoutMs: number
  readonly options: Options.Publish
  /** The size of its properties in one frame, in bytes. */
  readonly headerBytes: number
  readonly reply: Promise<Message>
  readonly #timer: NodeJS.Timeout
  #resolve: (message: Message) => void = () => undefined
  #reject: (error: Error) => void = () => undefined

  /** Throws `BAD_USER_INPUT` for properties that AMQP cannot carry. */
  constructor(request: Request, id: string, replyTo: string, onTimeout: () => void) {
    const properties = {
      ...request.properties,
      replyTo,
      correlationId: id,
      expiration: String(request.timeoutMs),
    }
    this.id = id
    this.exchange = request.exchange
    this.routingKey = request.routingKey
    this.body = request.body
    this.timeoutMs = request.timeoutMs
    this.headerBytes = checkProperties(properties)
    this.options = { ...toAmqp(properties), mandatory: true }
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#timer = setTimeout(onTimeout, request.timeoutMs)
  }

  resolve(message: Message): void {
    clearTimeout(this.#timer)
    this.#resolve(message)
  }

  reject(error: Error): void {
    clearTimeout(this.#timer)
    this.#reject(error)
  }
}
