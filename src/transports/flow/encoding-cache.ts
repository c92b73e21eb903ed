import { inOnePiece } from '../../core/body/latin1.ts'
import type { ChannelEvent } from '../../core/model/channel-event.ts'

/** A power of two. Events whose offsets are so far apart share a place. */
const places = 512
/**
 * What the encodings and the bodies of their events may hold together, in bytes: some times what
 * one connection is given at a time (`Outbox`).
 */
const maxBytes = 256 * 1024

interface Encoding {
  readonly event: ChannelEvent
  readonly channel: string
  readonly variant: number
  text: string
  /** What it weighs. */
  readonly bytes: number
  /** Whether the text is one piece. */
  whole: boolean
}

/**
 * The encodings that a codec made last, so that it makes one an event, however many subscribers
 * there are: the hub hands an event to one after another, and those who catch up together take the
 * same events at about the same time. All are as `latin1Of` makes them. Found by the offset: a
 * WeakMap took longer than the encoding.
 */
export class EncodingCache {
  readonly #encodings = Array.from<Encoding | undefined>({ length: places })
  #bytes = 0

  /** `variant`: among the forms that the codec has for an event on this channel. */
  get(event: ChannelEvent, channel = '', variant = 0): string | undefined {
    const encoding = this.#encodings[placeOf(event, variant)]
    if (encoding?.event !== event || encoding.channel !== channel || encoding.variant !== variant) return undefined
    // For each frame that it is written in.
    if (!encoding.whole) {
      encoding.text = inOnePiece(encoding.text)
      encoding.whole = true
    }
    return encoding.text
  }

  add(text: string, event: ChannelEvent, channel = '', variant = 0): string {
    const bytes = weightOf(text, event)
    if (this.#bytes + bytes > maxBytes) {
      this.#forget()
      // It must not be held until the next one comes.
      if (bytes > maxBytes) process.nextTick(() => this.#forget())
    }
    const place = placeOf(event, variant)
    const before = this.#encodings[place]
    if (before) this.#bytes -= before.bytes
    this.#bytes += bytes
    this.#encodings[place] = { event, channel, variant, text, bytes, whole: false }
    return text
  }

  #forget(): void {
    this.#encodings.fill(undefined)
    this.#bytes = 0
  }
}

/**
 * Neighbours are apart, and so are the variants of one event. Notices are few, and share a place.
 */
function placeOf(event: ChannelEvent, variant: number): number {
  const offset = event.kind === 'MESSAGE' ? event.message.offset : 0
  return (offset + variant * 61) & (places - 1)
}

function weightOf(text: string, event: ChannelEvent): number {
  return text.length + (event.kind === 'MESSAGE' ? event.message.body.length : 0)
}
