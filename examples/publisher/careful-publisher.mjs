/**
 * A publisher that loses nothing, on amqplib: one confirm channel, and on it one exchange only
 * (docs/guides/publishing.md). Any number of messages may be in flight.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as after } from 'node:timers/promises'
import amqp from 'amqplib'

/** If a node leaves the oldest message unanswered for longer, the publisher changes to another. */
const answerMs = 5_000
const pauseMs = 250

export class CarefulPublisher {
  #exchange
  #urls
  /** Oldest first. A message leaves when it and all earlier ones are confirmed. */
  #messages = []
  #connection
  #channel
  #deadline
  #closed = false

  /** `urls`: all nodes of a cluster. */
  constructor(exchange, ...urls) {
    this.#exchange = exchange
    this.#urls = urls
    void this.#open()
  }

  /** Resolves to the message id when RabbitMQ has confirmed this message and all earlier ones. */
  publish(routingKey, body, { messageId = randomUUID(), headers, ...properties } = {}) {
    const options = {
      contentType: 'application/json',
      timestamp: Math.floor(Date.now() / 1_000),
      persistent: true,
      ...properties,
      mandatory: true,
      messageId,
      headers: { 'x-warren-idempotency-key': messageId, ...headers },
    }
    return new Promise((resolve) => {
      const message = { routingKey, body: Buffer.from(body), options, confirmed: false, resolve }
      this.#messages.push(message)
      if (this.#channel) this.#send(message)
    })
  }

  async close() {
    this.#closed = true
    await this.#leave()
  }

  async #open() {
    for (let attempt = 0; !this.#closed && !this.#channel; attempt += 1) {
      try {
        await this.#connect(this.#urls[attempt % this.#urls.length])
      } catch (error) {
        console.error(`again: ${error.message}`)
        await after(pauseMs)
      }
    }
  }

  async #connect(url) {
    const connection = await amqp.connect(url, { noDelay: true, timeout: answerMs })
    connection.on('error', () => {})
    const channel = await this.#channelOf(connection)
    channel.on('error', () => {})
    channel.on('close', () => this.#replace(channel, 'the channel is closed'))
    channel.on('return', ({ fields }) => this.#replace(channel, fields.replyText))
    this.#connection = connection
    this.#channel = channel
    // From the oldest unanswered message on, under the same ids, also what was confirmed.
    for (const message of this.#messages) this.#send(message)
  }

  async #channelOf(connection) {
    try {
      const late = after(answerMs, undefined, { ref: false }).then(() => Promise.reject(new Error('no answer')))
      return await Promise.race([connection.createConfirmChannel(), late])
    } catch (error) {
      void connection.close().catch(() => {})
      throw error
    }
  }

  #send(message) {
    const channel = this.#channel
    if (channel === undefined) return
    message.confirmed = false
    this.#deadline ??= setTimeout(() => this.#replace(channel, 'no answer'), answerMs)
    channel.publish(this.#exchange, message.routingKey, message.body, message.options, (error) => {
      if (channel !== this.#channel) return
      if (error) return this.#replace(channel, error.message)
      message.confirmed = true
      this.#settle(channel)
    })
  }

  /** Resolves what is confirmed with all before it. The deadline is that of the oldest one left. */
  #settle(channel) {
    if (!this.#messages[0]?.confirmed) return
    while (this.#messages[0]?.confirmed) {
      const { options, resolve } = this.#messages.shift()
      resolve(options.messageId)
    }
    clearTimeout(this.#deadline)
    const left = this.#messages.length > 0
    this.#deadline = left ? setTimeout(() => this.#replace(channel, 'no answer'), answerMs) : undefined
  }

  /** Replaces the channel after a return, a refusal or a missing answer. */
  #replace(channel, reason) {
    if (channel !== this.#channel) return
    console.error(`again: ${reason}`)
    void this.#leave()
    // Another node first: this one may be isolated from the others.
    this.#urls.push(this.#urls.shift())
    setTimeout(() => void this.#open(), pauseMs)
  }

  async #leave() {
    this.#channel = undefined
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    await this.#connection?.close().catch(() => {})
  }
}
