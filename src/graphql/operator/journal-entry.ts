import { TextDecoder } from 'node:util'
import { outcomeText } from '../../core/accounting/outcome-text.ts'
import { decodeBody, UndecodableBody } from '../../core/body/decode-body.ts'
import { plainHeaders } from '../../core/body/plain-headers.ts'
import { toDate } from '../../core/body/to-date.ts'
import type { BrowsedEntry } from '../../core/inspection/replica-outcomes.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { dataOf } from '../channels/channel-event.ts'
import {
  MessageOutcome,
  quarantineReasonText,
  SourceReasonObject,
  TracedFieldObject,
  withoutClientText,
} from '../traces/message-outcome.ts'

/** How many bytes of a body `body` returns. */
const bodyBytes = { standard: 64 * 1024, most: 16 * 1024 * 1024 }

const BodyEncoding = builder.enumType('BodyEncoding', { values: ['TEXT', 'BASE64'] as const })

interface ShownBody {
  readonly text: string
  readonly encoding: 'TEXT' | 'BASE64'
  readonly truncated: boolean
}

export const ShownBodyObject = builder.objectRef<ShownBody>('MessageBody').implement({
  description: 'A body as it was published, without decompression.',
  fields: (t) => ({
    text: t.exposeString('text', { description: 'Text if the bytes are UTF-8, else base64.' }),
    encoding: t.expose('encoding', { type: BodyEncoding }),
    truncated: t.exposeBoolean('truncated', { description: 'Whether it continues behind `limit`.' }),
  }),
})

export const bodyLimit = {
  defaultValue: bodyBytes.standard,
  description: `The most bytes to return, at most ${bodyBytes.most}.`,
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

export function showBody(body: Buffer, limit: number | null | undefined): ShownBody {
  const bytes = limit ?? bodyBytes.standard
  if (bytes < 0 || bytes > bodyBytes.most)
    throw badInput('limit', `expected 0 to ${bodyBytes.most} bytes, got ${bytes}`)
  const truncated = body.length > bytes
  const shown = body.subarray(0, bytes)
  // The limit may divide a character, which has at most four bytes.
  for (let cut = 0; cut <= (truncated ? 3 : 0); cut += 1) {
    try {
      return { text: strictUtf8.decode(shown.subarray(0, shown.length - cut)), encoding: 'TEXT', truncated }
    } catch {}
  }
  return { text: shown.toString('base64'), encoding: 'BASE64', truncated }
}

export const JournalEntry = builder.objectRef<BrowsedEntry>('JournalEntry').implement({
  description: 'A message in the journal, and what all replicas that answered did with it.',
  fields: (t) => ({
    cursor: t.field({ type: 'Cursor', resolve: ({ entry }, _args, { gateway }) => gateway.cursorOf(entry) }),
    offset: t.float({ resolve: ({ entry }) => entry.offset }),
    receivedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Null if it is older than the memory of this replica: the journal keeps no times.',
      resolve: ({ receivedAt }) => (receivedAt === undefined ? null : new Date(receivedAt)),
    }),
    publishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'As stated by its publisher.',
      resolve: ({ entry }) => toDate(entry.properties.timestamp),
    }),
    exchange: t.string({ resolve: ({ entry }) => entry.exchange }),
    routingKey: t.string({ resolve: ({ entry }) => entry.routingKey }),
    messageId: t.string({ nullable: true, resolve: ({ entry }) => entry.properties.messageId }),
    type: t.string({ nullable: true, resolve: ({ entry }) => entry.properties.type }),
    contentType: t.string({ nullable: true, resolve: ({ entry }) => entry.properties.contentType }),
    contentEncoding: t.string({ nullable: true, resolve: ({ entry }) => entry.properties.contentEncoding }),
    appId: t.string({ nullable: true, resolve: ({ entry }) => entry.properties.appId }),
    headers: t.field({ type: 'JSON', resolve: ({ entry }) => plainHeaders(entry.properties.headers ?? {}) }),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description: 'As `ChannelEvent.data`. Null also if the body cannot be read; `unreadable` says why.',
      resolve: ({ entry }) => {
        try {
          return dataOf(entry)
        } catch (error) {
          if (error instanceof UndecodableBody) return null
          throw error
        }
      },
    }),
    unreadable: t.string({
      nullable: true,
      description: 'Why the body cannot be read. Null: it can.',
      resolve: ({ entry }) => {
        try {
          decodeBody(entry)
          return null
        } catch (error) {
          if (error instanceof UndecodableBody) return error.message
          throw error
        }
      },
    }),
    body: t.field({
      type: ShownBodyObject,
      args: { limit: t.arg.int(bodyLimit) },
      resolve: ({ entry }, { limit }) => showBody(entry.body, limit),
    }),
    bytes: t.int({ resolve: ({ entry }) => entry.body.length }),
    clients: t.stringList({
      description: 'The first twenty of its clients.',
      resolve: ({ described }) => [...described.clients],
    }),
    clientCount: t.int({
      nullable: true,
      description: 'Null: everyone.',
      resolve: ({ described }) => described.clientCount,
    }),
    withoutClient: t.boolean({
      description: withoutClientText,
      resolve: ({ entry, described }, _args, { gateway }) =>
        described.clientCount === 0 && gateway.sources.seeksClientFor(entry),
    }),
    sources: t.stringList({
      description: 'The ids of the sources that find a client for it.',
      resolve: ({ described }) => [...described.sources],
    }),
    sourceReasons: t.field({
      type: [SourceReasonObject],
      complexity: { field: 1, multiplier: 2 },
      resolve: ({ described }) => [...described.sourceReasons],
    }),
    fields: t.field({ type: [TracedFieldObject], resolve: ({ described }) => [...described.fields] }),
    outcome: t.field({
      type: MessageOutcome,
      nullable: true,
      description: 'Null: no replica remembers it.',
      resolve: ({ described }) => described.outcome,
    }),
    reason: t.string({
      nullable: true,
      description: quarantineReasonText,
      resolve: ({ described }) => described.reason,
    }),
    explanation: t.string({
      description: 'What became of it, in one sentence.',
      resolve: ({ described, behind }) => outcomeText(described, 'all replicas', behind ?? 0),
    }),
    matched: t.int({ resolve: ({ described }) => described.matched }),
    delivered: t.int({ resolve: ({ described }) => described.delivered }),
    dropped: t.int({ resolve: ({ described }) => described.dropped }),
    behind: t.int({
      nullable: true,
      description:
        'Subscriptions that are behind: they have not come to it, and read it from the journal later. At least, if there are many. Null: no replica remembers it.',
      resolve: ({ behind }) => behind ?? null,
    }),
    pending: t.int({ resolve: ({ described: { matched, delivered, dropped } }) => matched - delivered - dropped }),
  }),
})
