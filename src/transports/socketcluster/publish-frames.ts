import { decodeBody } from '../../core/body.ts'
import type { MessageEvent } from '../../core/channel.ts'
import { printCursor } from '../../core/cursor.ts'
import { latin1Of } from '../fan-out.ts'
import { textFrameHeader } from '../websocket-frame.ts'

/**
 * Encodes an event once for all subscribers of a channel, as a whole frame in the form that `Outbox.push` takes. The hub goes through one channel after the other, so
 * that the last frame is the one that the next subscriber needs.
 */
export class PublishFrames {
  #event: MessageEvent | undefined
  #data = ''
  #channel: string | undefined
  #plain: string | undefined
  #withCursor: string | undefined

  /** The payload is what the old server sent. With `cursor` it is that and the event's cursor: `{"cursor":"…","data":…}`. */
  frameOf(event: MessageEvent, channel: string, cursor: boolean): string {
    if (this.#event !== event) {
      // A large message must not be held until the next one comes.
      if (!this.#event) process.nextTick(() => this.#forget())
      this.#event = event
      this.#data = latin1Of(dataOf(event))
      this.#channel = undefined
    }
    if (this.#channel !== channel) {
      this.#channel = channel
      this.#plain = undefined
      this.#withCursor = undefined
    }
    if (!cursor) {
      this.#plain ??= framed(channel, this.#data)
      return this.#plain
    }
    this.#withCursor ??= framed(channel, `{"cursor":"${printCursor(event.cursor)}","data":${this.#data}}`)
    return this.#withCursor
  }

  #forget(): void {
    this.#event = undefined
    this.#data = ''
    this.#plain = undefined
    this.#withCursor = undefined
  }
}

function framed(channel: string, data: string): string {
  const text = `{"event":"#publish","data":{"channel":${latin1Of(JSON.stringify(channel))},"data":${data}}}`
  return `${textFrameHeader(text.length)}${text}`
}

/** Bytes in the form that SocketCluster's own codec has for them. */
function dataOf(event: MessageEvent): string {
  const { data, contentType } = decodeBody(event.message)
  const isText = contentType === null || /^(?:text\/|application\/json\s*(?:;|$))/i.test(contentType)
  return JSON.stringify(isText ? data : { base64: true, data })
}
