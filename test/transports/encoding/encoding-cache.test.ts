import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { decodeBody, forgetBody, UndecodableBody } from '../../../src/core/body/decode-body.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import { type ChannelEvent, MessageEvent } from '../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { EncodingCache } from '../../../src/transports/encoding/encoding-cache.ts'
import { eventJson } from '../../../src/transports/encoding/event-json.ts'
import { DeliveryFrames } from '../../../src/transports/socketcluster/delivery-frames.ts'
import { testCursors } from '../../support/gateway/deployment-keys.ts'
import { runs } from '../../support/property.ts'
import { anyEvent } from '../flow/any-event.ts'

function messageEvent(offset: number, body = `{"number":${offset}}`, properties = {}): MessageEvent {
  const message = { exchange: 'e', routingKey: 'k', body: Buffer.from(body), redelivered: false, receivedAt: 0 }
  return new MessageEvent(testCursors, '0123456789abcdef', { ...message, properties, offset, mark: false })
}

/**
 * A message that counts how often it is decoded. Each decoded value is forgotten at once, as in the
 * gateway.
 */
function countedEvent(offset: number, body?: string): { event: MessageEvent; decodings: () => number } {
  let decodings = 0
  const properties = {
    get contentType() {
      decodings += 1
      return 'application/json'
    },
  }
  return { event: messageEvent(offset, body, properties), decodings: () => decodings }
}

const frames = new DeliveryFrames()
const codecs: [string, (event: MessageEvent) => string][] = [
  ['of the envelope', (event) => eventJson(event, 'a')],
  ['of SocketCluster', (event) => frames.frameOf(event, 'a', false)],
  ['of SocketCluster with cursors', (event) => frames.frameOf(event, 'a', true)],
]

describe.each(codecs)('the encoding %s', (_name, encode) => {
  test('is made once for a message, however many subscribers the channel has', () => {
    const { event, decodings } = countedEvent(1)
    const perSubscriber = Array.from({ length: 1_000 }, () => {
      const text = encode(event)
      forgetBody(event.message)
      return text
    })
    expect(new Set(perSubscriber).size).toBe(1)
    expect(decodings()).toBe(1)
  })

  test('is also made once for subscriptions that catch up, with many messages at a time', () => {
    const all = Array.from({ length: 200 }, (_, offset) => countedEvent(offset + 7))
    for (let subscriber = 0; subscriber < 50; subscriber += 1) {
      for (const { event } of all) {
        encode(event)
        forgetBody(event.message)
      }
    }
    expect(all.map(({ decodings }) => decodings())).toEqual(all.map(() => 1))
  })
})

/** The payload of a whole frame. */
function payloadOf(frame: string): unknown {
  const text = Buffer.from(frame, 'latin1').toString()
  return JSON.parse(text.slice(text.indexOf('{"event"')))
}

test('each encoding has the data as it is printed, for generated events', () => {
  const check = (event: ChannelEvent) => {
    if (event.kind !== 'MESSAGE' || isPoison(event)) return
    const { data, contentType } = decodeBody(event.message)
    const printed = printJson(data) ?? ''
    const text = Buffer.from(eventJson(event, 'ä'), 'latin1').toString()
    const start = `{"channel":"ä","kind":"message","cursor":"${printCursor(event.cursor)}","data":${printed},`
    expect(text.slice(0, start.length)).toBe(start)
    expect(printJson(parseJson(text))).toBe(text)
    const isText = contentType === null || /^text|json/.test(contentType)
    const expected = JSON.parse(isText ? printed : `{"base64":true,"data":${printed}}`) as unknown
    expect(payloadOf(frames.frameOf(event, 'ä', false))).toEqual({
      event: '#publish',
      data: { channel: 'ä', data: expected },
    })
    expect(payloadOf(frames.frameOf(event, 'ä', true))).toEqual({
      event: '#publish',
      data: { channel: 'ä', data: { cursor: printCursor(event.cursor), data: expected } },
    })
  }
  fc.assert(fc.property(anyEvent, check), runs(600))
})

function isPoison({ message }: MessageEvent): boolean {
  try {
    decodeBody(message)
    return false
  } catch (error) {
    if (error instanceof UndecodableBody) return true
    throw error
  }
}

describe('the encoding cache', () => {
  const notice: ChannelEvent = { kind: 'CHECKPOINT', cursor: messageEvent(3).cursor, receivedAt: 0 }

  test('returns an encoding for the same event, channel and form only', () => {
    const encodings = new EncodingCache()
    const event = messageEvent(3)
    encodings.add('one', event, 'a', 1)
    encodings.add('two', notice, 'a', 1)
    expect(encodings.get(event, 'a', 1)).toBe('one')
    expect(encodings.get(notice, 'a', 1)).toBe('two')
    expect(encodings.get(event, 'b', 1)).toBeUndefined()
    expect(encodings.get(event, 'a', 2)).toBeUndefined()
    expect(encodings.get(messageEvent(3), 'a', 1)).toBeUndefined()
    expect(encodings.get({ ...notice }, 'a', 1)).toBeUndefined()
  })

  test('keeps nothing of a message that only one subscription receives', () => {
    const encodings = new EncodingCache()
    const event = messageEvent(3)
    event.isForOne = true
    expect([encodings.add('one', event), encodings.get(event)]).toEqual(['one', undefined])
    event.isForOne = false
    expect(encodings.get(event)).toBeUndefined()
  })

  test('keeps no memory that the message shares', () => {
    const own = { ...messageEvent(1).message }
    const shared = { ...own, body: Buffer.from('shared'), detach: () => own }
    const event = new MessageEvent(testCursors, '0123456789abcdef', shared)
    new EncodingCache().add('text', event)
    expect(event.message).toBe(own)
  })

  test('holds at most 256 KiB, bodies included', () => {
    const encodings = new EncodingCache()
    const events = Array.from({ length: 2_000 }, (_, offset) => messageEvent(offset, `"${'x'.repeat(offset % 5_000)}"`))
    const heldOf = (some: typeof events) =>
      some.reduce((sum, one) => sum + (encodings.get(one) === undefined ? 0 : 2_000 + one.message.body.length), 0)
    let most = 0
    for (const [at, event] of events.entries()) {
      encodings.add('y'.repeat(2_000), event)
      // Three times as many of the newest as there is room for. All of them at the end.
      most = Math.max(most, heldOf(events.slice(Math.max(0, at - 400), at + 1)))
    }
    expect(most).toBeGreaterThan(0)
    expect(Math.max(most, heldOf(events))).toBeLessThanOrEqual(256 * 1024)
  })

  test('holds a larger one for all subscribers of this turn of the event loop, and no longer', async () => {
    const encodings = new EncodingCache()
    const event = messageEvent(1, `"${'x'.repeat(300_000)}"`)
    encodings.add('large', event)
    expect(encodings.get(event)).toBe('large')
    await nextTurn()
    expect(encodings.get(event)).toBeUndefined()
    encodings.add('small', messageEvent(2))
    await nextTurn()
    const next = messageEvent(3)
    encodings.add('next', next)
    expect(encodings.get(next)).toBe('next')
  })
})
