import type { JournalMessage } from '../../core/model/message.ts'
import { publicationOf } from '../../core/publishing/to-publication.ts'
import { demand, mayPublish } from '../../core/sessions/authorizer.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { builder } from '../builder.ts'

const PublishInput = builder.inputType('PublishInput', {
  description: 'Requires either clientId (the default source, key client.<clientId>) or exchange and routingKey.',
  fields: (t) => ({
    clientId: t.id(),
    exchange: t.string(),
    routingKey: t.string(),
    data: t.field({ type: 'JSON', required: true }),
    type: t.string(),
    messageId: t.id(),
    headers: t.field({ type: 'JSON' }),
    idempotencyKey: t.string({
      description: 'Messages with the same key are delivered once, even if published through different replicas.',
    }),
  }),
})

const PublishPayload = builder
  .objectRef<{ messageId: string; entry: JournalMessage | undefined }>('PublishPayload')
  .implement({
    fields: (t) => ({
      messageId: t.exposeID('messageId'),
      cursor: t.field({
        type: 'Cursor',
        nullable: true,
        resolve: ({ entry }, _arguments, { gateway }) => (entry ? gateway.cursorOf(entry) : null),
        description:
          'The position in the journal. Null if no source accepts the message, or if a buffered source has not moved it within WARREN_PUBLISH_TIMEOUT.',
      }),
    }),
  })

builder.mutationField('publish', (t) =>
  t.field({
    type: PublishPayload,
    description:
      'For publishers and operators, within WARREN_PUBLISH_EXCHANGES. Returns when the message was read back from the journal or, if no source accepts it, when the broker has confirmed it.',
    args: { input: t.arg({ type: PublishInput, required: true }) },
    resolve: async (_root, { input }, { identity, address, gateway, settings }) => {
      demand(mayPublish(identity), identity, 'publish')
      const publication = publicationOf(input, { namespace: settings.namespace, publisher: identity.clientId ?? '' })
      const entry = await gateway.publishAs(identity, publication, payerOf(identity, address))
      return { messageId: publication.messageId, entry }
    },
  }),
)
