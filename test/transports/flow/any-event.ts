import { type ChannelEvent, gapReasons, MessageEvent } from '../../../src/core/model/channel-event.ts'
import type { MessageProperties } from '../../../src/core/model/message.ts'
import type { Seeded } from '../../ledger/seeded.ts'
import { anyJsonText, mutated } from '../../support/frames/json-texts.ts'
import { testCursors } from '../../support/gateway/deployment-keys.ts'

const epoch = '0123456789abcdef'

export const texts = [
  '',
  'plain',
  'ümlaut',
  '日本語',
  '🐇 warren',
  '\u2028 line',
  '"quoted" \\ and /',
  '\ud800 alone',
  'null',
]

function anyJson(random: Seeded, depth = 0): unknown {
  const dice = random.next()
  if (depth < 3 && dice < 0.3)
    return Object.fromEntries(
      random.some([...texts, '__proto__', '1', 'then'], 3).map((key) => [key, anyJson(random, depth + 1)]),
    )
  if (depth < 3 && dice < 0.5) return Array.from({ length: 3 }, () => anyJson(random, depth + 1))
  return random.pick([null, true, 0, -0, 1e21, 0.1, 2 ** 53, ...texts])
}

/** The body may be anything, invalid JSON included. */
export function anyEvent(random: Seeded, offset: number): ChannelEvent {
  const cursor = { epoch, offset, fingerprint: 7, before: random.next() < 0.5, codec: testCursors }
  const dice = random.next()
  if (dice < 0.1) {
    const oldest = random.pick([null, cursor])
    return { kind: 'GAP', cursor, reason: random.pick(gapReasons), oldest, receivedAt: 1_700_000_000_123 }
  }
  if (dice < 0.2) return { kind: 'CHECKPOINT', cursor, receivedAt: 1_700_000_000_000 }
  const properties: MessageProperties = {
    contentType: random.pick(['application/json', '', 'text/plain; charset=latin1', 'application/octet-stream']),
    ...random.pick([{}, { messageId: random.pick(texts) }]),
    ...random.pick([{}, { type: random.pick(texts) }]),
    ...random.pick([{}, { timestamp: random.pick([0, 1_700_000_000_000, 9e15]) }]),
    ...random.pick([{}, { headers: { traceparent: `00-${'4bf92f3577b34da6'.repeat(2)}-00f067aa0ba902b7-01` } }]),
    ...random.pick([{}, { headers: { when: new Date(0), bytes: Buffer.from('ü'), list: [1n, 'x'] } }, { headers: {} }]),
  }
  const body =
    random.next() < 0.5
      ? Buffer.from(JSON.stringify(anyJson(random)))
      : mutated(random, Buffer.from(anyJsonText(random)))
  const message = {
    exchange: random.pick(texts),
    routingKey: random.pick(texts),
    body,
    properties,
    redelivered: random.next() < 0.5,
    receivedAt: 1_700_000_000_000 + offset,
    offset,
    mark: false,
  }
  return new MessageEvent(testCursors, epoch, message)
}
