import { defaultRoutingKey, exchangeTypes, type Source } from '../../core/model/source.ts'
import { builder } from './builder.ts'

export const ExchangeTypeEnum = builder.enumType('ExchangeType', { values: exchangeTypes })

export const RabbitChannel = builder.objectRef<Source>('RabbitChannel').implement({
  description: 'A source of messages: an exchange, a binding pattern, and where a message names its client id.',
  fields: (t) => ({
    id: t.exposeID('id'),
    exchange: t.exposeString('exchange'),
    exchangeType: t.expose('exchangeType', { type: ExchangeTypeEnum }),
    routingKey: t.exposeString('routingKey'),
    buffered: t.boolean({
      description: 'Whether a queue is between the exchange and the journal.',
      resolve: ({ buffered }) => buffered === true,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

export const ClientIdSourceInput = builder.inputType('ClientIdSource', {
  description: 'Where a message names its client id.',
  isOneOf: true,
  fields: (t) => ({
    header: t.string({ description: 'The header with the client id.' }),
    bodyPointer: t.string({
      description: 'The JSON pointer (RFC 6901) to the client id in a JSON body. A list there names several clients.',
    }),
    fixed: t.id({ description: 'All messages are for this client.' }),
    everyone: t.boolean({ description: 'All messages are for every client.' }),
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
      description: 'An existing exchange is used unchanged. A missing one is declared as durable.',
    }),
    routingKey: t.string({
      required: true,
      defaultValue: defaultRoutingKey,
      description:
        'A binding pattern. On a topic exchange, {clientId} stands for one word, and {clientId#}, as the last word, for the rest of the key. On the exchange of the default source, client.{clientId} means client.{clientId#}.',
    }),
    clientId: t.field({
      type: ClientIdSourceInput,
      description: 'Required if the pattern has neither {clientId} nor {clientId#}.',
    }),
    buffered: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Puts a quorum queue between the exchange and the journal, for messages that a stream would refuse. All sources of an exchange must agree.',
    }),
  }),
})
