import { demand, mayPublish } from '../../core/authorizer.ts'
import type { JournalMessage } from '../../core/message.ts'
import { payerOf } from '../../core/payer.ts'
import { publicationOf } from '../../core/publishing.ts'
import { builder } from '../builder.ts'

const PublishInput = builder.inputType('PublishInput', {
  description: 'Either clientId (the default source, key client.<clientId>) or exchange and routingKey.',
  fields: (t) => ({
    clientId: t.id(),
    exchange: t.string(),
    routingKey: t.string(),
    data: t.field({ type: 'JSON', required: true }),
    type: t.string(),
    messageId: t.id(),
    headers: t.field({ type: 'JSON' }),
    idempotencyKey: t.string({
      description: 'Published again under the same key, also on another replica, it is delivered once.',
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
          'Its place in the journal. Null where no source takes it, or where a buffered source has not moved it within WARREN_PUBLISH_TIMEOUT.',
      }),
    }),
  })

builder.mutationField('publish', (t) =>
  t.field({
    type: PublishPayload,
    description:
      'Publishers and operators, within WARREN_PUBLISH_EXCHANGES. Resolves once the entry was read back from the journal; where no source takes it, once the broker has confirmed.',
    args: { input: t.arg({ type: PublishInput, required: true }) },
    resolve: async (_root, { input }, { identity, address, gateway, settings }) => {
      demand(mayPublish(identity), identity, 'publish')
      const publication = publicationOf(input, { namespace: settings.namespace, publisher: identity.clientId ?? '' })
      const entry = await gateway.publishAs(identity, publication, payerOf(identity, address))
      return { messageId: publication.messageId, entry }
    },
  }),
)
