import { defaultRoutingKey, exchangeTypes, type Source } from '../../core/model/source.ts'
import { builder } from './builder.ts'

export const ExchangeTypeEnum = builder.enumType('ExchangeType', { values: exchangeTypes })

export const RabbitChannel = builder.objectRef<Source>('RabbitChannel').implement({
  description: 'A source of messages: an exchange, which of its messages, and how to find the client id in them.',
  fields: (t) => ({
    id: t.exposeID('id'),
    exchange: t.exposeString('exchange'),
    exchangeType: t.expose('exchangeType', { type: ExchangeTypeEnum }),
    routingKey: t.exposeString('routingKey'),
    buffered: t.boolean({
      description: 'Whether a queue stands between the exchange and the journal.',
      resolve: ({ buffered }) => buffered === true,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

export const ClientIdSourceInput = builder.inputType('ClientIdSource', {
  description: 'Where a message says whose it is.',
  isOneOf: true,
  fields: (t) => ({
    header: t.string({ description: 'In this header.' }),
    bodyPointer: t.string({ description: 'In the JSON body, at this JSON pointer (RFC 6901); a list names several.' }),
    fixed: t.id({ description: 'Nowhere: all are for this client.' }),
    everyone: t.boolean({ description: 'Nowhere: all are for everyone.' }),
  }),
})

/** The namespace in the printed schema. A running gateway shows its own. */
export const printedNamespace = 'warren'

export const CreateRabbitChannelInput = builder.inputType('CreateRabbitChannelInput', {
  fields: (t) => ({
    exchange: t.string({ required: true, defaultValue: `${printedNamespace}.events` }),
    exchangeType: t.field({
      type: ExchangeTypeEnum,
      required: true,
      defaultValue: 'TOPIC',
      description: 'An existing exchange is taken as it is; a missing one is declared durable.',
    }),
    routingKey: t.string({
      required: true,
      defaultValue: defaultRoutingKey,
      description: 'A binding pattern; {clientId} stands for one word. Needs a topic exchange.',
    }),
    clientId: t.field({ type: ClientIdSourceInput, description: 'Where the pattern has no {clientId}.' }),
    buffered: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Put a quorum queue between the exchange and the journal: for publishers whose messages a stream would refuse. All sources of an exchange are alike.',
    }),
  }),
})
