import * as fc from 'fast-check'
import { type ChannelEvent, gapReasons, MessageEvent } from '../../../src/core/model/channel-event.ts'
import type { MessageProperties } from '../../../src/core/model/message.ts'
import { anyJsonText, mutated } from '../../support/frames/json-texts.ts'
import { testCursors } from '../../support/gateway/deployment-keys.ts'
import { pick, weighted } from '../../support/property.ts'

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

const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    { weight: 5, arbitrary: pick<unknown>(null, true, 0, -0, 1e21, 0.1, 2 ** 53, ...texts) },
    { weight: 3, arbitrary: fc.dictionary(pick(...texts, '__proto__', '1', 'then'), tie('json'), { maxKeys: 3 }) },
    { weight: 2, arbitrary: fc.array(tie('json'), { maxLength: 3 }) },
  ),
}))

const properties: fc.Arbitrary<MessageProperties> = fc.record(
  {
    contentType: pick('application/json', '', 'text/plain; charset=latin1', 'application/octet-stream'),
    messageId: pick(...texts),
    type: pick(...texts),
    timestamp: pick(0, 1_700_000_000_000, 9e15),
    headers: pick<Record<string, unknown>>(
      {},
      { traceparent: `00-${'4bf92f3577b34da6'.repeat(2)}-00f067aa0ba902b7-01` },
      { when: new Date(0), bytes: Buffer.from('ü'), list: [1n, 'x'] },
    ),
  },
  { requiredKeys: ['contentType'] },
)
const message = fc.record({
  exchange: pick(...texts),
  routingKey: pick(...texts),
  body: fc.oneof(
    json.map((data) => Buffer.from(JSON.stringify(data))),
    mutated(anyJsonText),
  ),
  properties,
  redelivered: fc.boolean(),
})

/** An event at any offset. The body may be anything, invalid JSON included. */
export const anyEvent: fc.Arbitrary<ChannelEvent> = fc
  .record({ offset: fc.nat(100_000), before: fc.boolean() })
  .chain(({ offset, before }): fc.Arbitrary<ChannelEvent> => {
    const cursor = { epoch, offset, fingerprint: 7, before, codec: testCursors }
    return weighted<ChannelEvent>(
      [
        8,
        message.map(
          (made) =>
            new MessageEvent(testCursors, epoch, {
              ...made,
              receivedAt: 1_700_000_000_000 + offset,
              offset,
              mark: false,
            }),
        ),
      ],
      [1, fc.constant({ kind: 'CHECKPOINT', cursor, receivedAt: 1_700_000_000_000 })],
      [
        1,
        fc.record({
          kind: fc.constant('GAP' as const),
          cursor: fc.constant(cursor),
          reason: pick(...gapReasons),
          oldest: pick(null, cursor),
          receivedAt: fc.constant(1_700_000_000_123),
        }),
      ],
    )
  })
