import { inOnePiece } from '../../core/body/latin1.ts'
import type { ChannelEvent } from '../../core/model/channel-event.ts'

/** A power of two. Events share a slot if their offsets differ by a multiple of it. */
const slots = 512
/**
 * Bound on the encodings and the bodies of their events together, in bytes. It is a few times the
 * bytes that one connection may buffer (`Outbox`).
 */
const maxBytes = 256 * 1024

interface Encoding {
  readonly event: ChannelEvent
  readonly channel: string
  readonly variant: number
  text: string
  /** Bytes of the text and of the event's body. */
  readonly bytes: number
  /** Whether the text has been flattened (`inOnePiece`). */
  isFlat: boolean
}

/**
 * The encodings that a codec made last. An event is encoded once, however many subscribers it has:
 * the hub delivers an event to one subscriber after another, and subscribers that catch up together
 * read the same events at about the same time. All texts are as `latin1Of` makes them. The key is
 * the offset, because a WeakMap took longer than the encoding.
 */
export class EncodingCache {
  readonly #encodings = Array.from<Encoding | undefined>({ length: slots })
  #bytes = 0

  /** `variant`: which of the codec's forms of an event on this channel. */
  get(event: ChannelEvent, channel = '', variant = 0): string | undefined {
    if (event.kind === 'MESSAGE' && event.isForOne) return undefined
    const encoding = this.#encodings[slotOf(event, variant)]
    if (encoding?.event !== event || encoding.channel !== channel || encoding.variant !== variant) return undefined
    // Flattened on the first reuse, because each subscriber's frame copies the text.
    if (!encoding.isFlat) {
      encoding.text = inOnePiece(encoding.text)
      encoding.isFlat = true
    }
    return encoding.text
  }

  /** Keeps the encoding, unless only one subscription receives the event. Returns the text. */
  add(text: string, event: ChannelEvent, channel = '', variant = 0): string {
    if (event.kind === 'MESSAGE') {
      // To keep what is used once would keep the event with it: the collector then copies both.
      if (event.isForOne) return text
      event.keep()
    }
    const bytes = bytesOf(text, event)
    if (this.#bytes + bytes > maxBytes) {
      this.#clear()
      // Oversized: do not keep it until the next event arrives.
      if (bytes > maxBytes) process.nextTick(() => this.#clear())
    }
    const slot = slotOf(event, variant)
    const replaced = this.#encodings[slot]
    if (replaced) this.#bytes -= replaced.bytes
    this.#bytes += bytes
    this.#encodings[slot] = { event, channel, variant, text, bytes, isFlat: false }
    return text
  }

  #clear(): void {
    this.#encodings.fill(undefined)
    this.#bytes = 0
  }
}

/**
 * Neighbouring offsets get different slots, and so do the variants of one event. Notices are few
 * and share a slot.
 */
function slotOf(event: ChannelEvent, variant: number): number {
  const offset = event.kind === 'MESSAGE' ? event.message.offset : 0
  return (offset + variant * 61) & (slots - 1)
}

function bytesOf(text: string, event: ChannelEvent): number {
  return text.length + (event.kind === 'MESSAGE' ? event.message.body.length : 0)
}
