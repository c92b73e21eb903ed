import { plainHeaders } from '../../core/body/plain-headers.ts'
import { toDate } from '../../core/body/to-date.ts'
import type {
  BodyPlace,
  QuarantinedMessage,
  QuarantinePage,
  Republished,
} from '../../core/inspection/quarantine-inspector.ts'
import type { Message } from '../../core/model/message.ts'
import { type CountedCopy, type QuarantineOrder, receivedAtOf } from '../../core/quarantine/quarantine-page.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { builder } from '../builder.ts'
import type { PagedField } from '../limits/operation-cost.ts'
import { demandObserver, operatorsOnly } from '../operators-only.ts'
import { timeOf } from '../scalars/time-of.ts'
import { bodyLimit, ShownBodyObject, showBody } from './journal-entry.ts'
import { pageSize, pageSizeOf } from './page-arguments.ts'

const standardPage = 50
const readCost = 20
const entryBytes = 2_048

const BodyPlaceObject = builder.objectRef<BodyPlace>('BodyPlace').implement({
  description: 'A place in a body. Bytes, lines and columns count from 1.',
  fields: (t) => ({
    byte: t.exposeInt('byte', { nullable: true }),
    line: t.exposeInt('line', { nullable: true }),
    column: t.exposeInt('column', { nullable: true }),
    pointer: t.exposeString('pointer', { nullable: true, description: 'A JSON pointer.' }),
  }),
})

const headerOf = ({ message }: QuarantinedMessage, name: string): unknown => message.properties.headers?.[name]

const QuarantinedMessageObject = builder.objectRef<QuarantinedMessage>('QuarantinedMessage').implement({
  fields: (t) => ({
    id: t.exposeID('id', { description: 'A hash of the message: identical copies share it.' }),
    reason: t.exposeString('reason', { description: 'As the label of `warren_messages_quarantined_total`.' }),
    text: t.exposeString('text', { description: 'What is wrong, in words.' }),
    place: t.field({
      type: BodyPlaceObject,
      nullable: true,
      description: 'Where in the body. Null: it is not a place in the body, or it is not known.',
      resolve: ({ place }) => place,
    }),
    field: t.string({
      nullable: true,
      description: 'The typed field that it does not fit.',
      resolve: (one) => textOf(headerOf(one, 'x-warren-field')),
    }),
    exchange: t.exposeString('exchange'),
    routingKey: t.exposeString('routingKey'),
    receivedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ message }) => dateOf(receivedAtOf(message.properties.headers)),
    }),
    publishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ message }) => toDate(message.properties.timestamp),
    }),
    offset: t.float({
      nullable: true,
      description: 'Its offset in the journal, which still holds it within its retention.',
      resolve: (one) => {
        const offset = headerOf(one, 'x-warren-offset')
        return typeof offset === 'number' ? offset : null
      },
    }),
    messageId: t.string({ nullable: true, resolve: ({ message }) => message.properties.messageId }),
    appId: t.string({ nullable: true, resolve: ({ message }) => message.properties.appId }),
    contentType: t.string({ nullable: true, resolve: ({ message }) => message.properties.contentType }),
    headers: t.field({ type: 'JSON', resolve: ({ message }) => plainHeaders(message.properties.headers ?? {}) }),
    bytes: t.int({ resolve: ({ message }) => message.body.length }),
    body: t.field({
      type: ShownBodyObject,
      args: { limit: t.arg.int(bodyLimit) },
      resolve: ({ message }, { limit }) => showBody(message.body, limit),
    }),
  }),
})

interface ReasonCount {
  readonly reason: string
  readonly count: number
  readonly lastAt: number | undefined
}

const QuarantineReasonObject = builder.objectRef<ReasonCount>('QuarantineReason').implement({
  fields: (t) => ({
    reason: t.exposeString('reason'),
    count: t.exposeInt('count'),
    lastAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the newest of them was received. Null: their copies do not have it.',
      resolve: ({ lastAt }) => dateOf(lastAt),
    }),
  }),
})

const QuarantineOrderEnum = builder.enumType('QuarantineOrder', {
  values: {
    OLDEST_FIRST: { value: 'oldest_first' },
    NEWEST_FIRST: { value: 'newest_first' },
  } as const satisfies Record<string, { value: QuarantineOrder }>,
})

const QuarantinePageObject = builder.objectRef<QuarantinePage>('QuarantinePage').implement({
  fields: (t) => ({
    nodes: t.field({
      type: [QuarantinedMessageObject],
      description: 'In the order that was asked for. Looking at them takes none away.',
      extensions: { holdsPage: true } satisfies PagedField,
      resolve: ({ messages }) => [...messages],
    }),
    endCursor: t.string({ nullable: true, resolve: ({ endCursor }) => endCursor }),
    hasMore: t.exposeBoolean('hasMore'),
    count: t.exposeInt('count', { description: 'All messages in the quarantine.' }),
    reasons: t.field({
      type: [QuarantineReasonObject],
      description:
        'How many messages of the quarantine have each reason, the most frequent first. Counts the first 5,000 messages of the queue, not only those of the page.',
      args: { since: t.arg({ type: 'DateTime', description: 'Counts those that were received then or later.' }) },
      resolve: ({ counted }, { since }) => reasonsOf(counted, since ? timeOf('since', since) : -Infinity),
    }),
    unread: t.exposeInt('unread', {
      description:
        'Messages that cannot be shown, because RabbitMQ cannot deliver the first of them over AMQP 0-9-1. `dropUndeliverable` deletes that one.',
    }),
  }),
})

builder.queryField('quarantine', (t) =>
  t.field({
    type: QuarantinePageObject,
    description: 'Operators and observers. Messages that could not become events, with the reason and the place.',
    extensions: { ...operatorsOnly, pageSize: pageSizeOf(standardPage) } satisfies PagedField & typeof operatorsOnly,
    complexity: readCost,
    args: {
      first: t.arg.int({ defaultValue: standardPage }),
      after: t.arg.string({ description: 'The `endCursor` of the page before, of the same order.' }),
      order: t.arg({ type: QuarantineOrderEnum, defaultValue: 'oldest_first' }),
    },
    resolve: (_root, { first, after, order }, { identity, address, inspection, pages }) => {
      demandObserver(identity, 'read the quarantine')
      const payer = payerOf(identity, address)
      const bytesOf = ({ body }: Message): number => 2 * body.length + entryBytes
      return inspection.quarantine.page(pageSize(first, standardPage), after ?? undefined, order ?? 'oldest_first', {
        take: (message, isFirst) => {
          if (!isFirst) return pages.take(payer, bytesOf(message))
          pages.begin(payer, bytesOf(message))
          return true
        },
        release: (message) => pages.release(payer, bytesOf(message)),
      })
    },
  }),
)

const RepublishEdit = builder.inputType('RepublishEdit', {
  description: 'What replaces parts of the message. Everything else stays as it was published.',
  fields: (t) => ({
    body: t.string({ description: 'Must be readable for the content type.' }),
    exchange: t.string(),
    routingKey: t.string(),
    contentType: t.string(),
  }),
})

const RepublishPayload = builder.objectRef<Republished>('RepublishPayload').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    exchange: t.exposeString('exchange'),
    routingKey: t.exposeString('routingKey'),
    cursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: 'As `PublishPayload.cursor`.',
      resolve: ({ entry }, _args, { gateway }) => (entry ? gateway.cursorOf(entry) : null),
    }),
  }),
})

builder.mutationField('republish', (t) =>
  t.field({
    type: RepublishPayload,
    description:
      'Operators only. Publishes a message of the quarantine again, edited if wanted, and removes it when RabbitMQ has confirmed it.',
    extensions: operatorsOnly,
    complexity: readCost,
    args: {
      id: t.arg.id({ required: true }),
      edit: t.arg({ type: RepublishEdit }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    resolve: async (_root, { id, edit, reason }, { identity, address, inspection }) => {
      demand(mayOperate(identity), identity, 'republish messages')
      const result = await inspection.quarantine.republish(id, {
        body: edit?.body ?? undefined,
        exchange: edit?.exchange ?? undefined,
        routingKey: edit?.routingKey ?? undefined,
        contentType: edit?.contentType ?? undefined,
      })
      const target = `${id} to ${result.exchange} ${result.routingKey}`
      inspection.audit({ identity, address }, edit ? 'republish edited' : 'republish', target, reason)
      return result
    },
  }),
)

const DropPayload = builder.objectRef<{ dropped: string[]; missing: string[] }>('DropPayload').implement({
  fields: (t) => ({
    dropped: t.exposeIDList('dropped'),
    missing: t.exposeIDList('missing', { description: 'Ids that are not in the quarantine.' }),
  }),
})

builder.mutationField('drop', (t) =>
  t.field({
    type: DropPayload,
    description:
      'Operators only. Deletes messages of the quarantine. The journal keeps the originals for its retention.',
    extensions: operatorsOnly,
    complexity: readCost,
    args: {
      ids: t.arg.idList({ required: true }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    resolve: async (_root, { ids, reason }, { identity, address, inspection }) => {
      demand(mayOperate(identity), identity, 'drop messages')
      const dropped = await inspection.quarantine.drop(ids)
      for (const id of dropped) inspection.audit({ identity, address }, 'drop', id, reason)
      return { dropped, missing: ids.filter((id) => !dropped.includes(id)) }
    },
  }),
)

builder.mutationField('dropUndeliverable', (t) =>
  t.field({
    type: 'Boolean',
    nullable: false,
    description:
      'Operators only. Deletes the first message of the quarantine that RabbitMQ cannot deliver over AMQP 0-9-1, unread, so that those behind it can be shown (`QuarantinePage.unread`). False: there is none.',
    extensions: operatorsOnly,
    complexity: readCost,
    args: { reason: t.arg.string({ description: 'For the log.' }) },
    resolve: async (_root, { reason }, { identity, address, inspection }) => {
      demand(mayOperate(identity), identity, 'drop messages')
      const dropped = await inspection.quarantine.dropUndeliverable()
      if (dropped) inspection.audit({ identity, address }, 'drop', 'an undeliverable message', reason)
      return dropped
    },
  }),
)

/** The most frequent reason first. */
function reasonsOf(counted: readonly CountedCopy[], since: number): ReasonCount[] {
  const byReason = new Map<string, { reason: string; count: number; lastAt: number | undefined }>()
  for (const { reason, receivedAt } of counted) {
    if ((receivedAt ?? 0) < since) continue
    const known = byReason.get(reason) ?? { reason, count: 0, lastAt: undefined }
    known.count += 1
    if (receivedAt !== undefined) known.lastAt = Math.max(known.lastAt ?? receivedAt, receivedAt)
    byReason.set(reason, known)
  }
  return [...byReason.values()].toSorted((a, b) => b.count - a.count)
}

function dateOf(at: number | undefined): Date | null {
  return at === undefined ? null : new Date(at)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
