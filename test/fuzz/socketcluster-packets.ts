import { deepStrictEqual, ok } from 'node:assert/strict'
import { JsonNumber } from '../../src/core/json/json-number.ts'
import { parseJson } from '../../src/core/json/parse-json.ts'
import { decodeFrame, maxBatch } from '../../src/transports/socketcluster/packet.ts'

/** A client's text: it never throws, and a packet has only what the text has. */
export function fuzz(data: Buffer): void {
  const text = data.toString()
  const frame = decodeFrame(text)
  if (frame.kind !== 'packets') return
  const value = parseJson(text)
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  ok(frame.packets.length > 0 && frame.packets.length <= items.length && items.length <= maxBatch)
  const events = items.filter(hasEvent)
  deepStrictEqual(
    frame.packets.map(({ event, data: content }) => [event, content]),
    events.map((item) => [item['event'], Object.hasOwn(item, 'data') ? item['data'] : undefined]),
  )
  for (const { cid } of frame.packets) {
    ok(
      cid === undefined ||
        (typeof cid === 'number' && Number.isFinite(cid)) ||
        String(cid instanceof JsonNumber ? cid.token : cid).length <= 100,
    )
  }
}

function hasEvent(item: unknown): item is Record<string, unknown> {
  return (
    typeof item === 'object' &&
    item !== null &&
    Object.hasOwn(item, 'event') &&
    typeof (item as Record<string, unknown>)['event'] === 'string'
  )
}
