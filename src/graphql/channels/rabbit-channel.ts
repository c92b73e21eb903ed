import { bindingOf, defaultRoutingKey, exchangeTypes, restPlaceholder, type Source } from '../../core/model/source.ts'
import { mayObserve } from '../../core/sessions/authorizer.ts'
import { defaultExchangeOf } from '../../core/sources/default-source.ts'
import { describeRule } from '../../core/sources/match-reason.ts'
import { builder } from '../builder.ts'

export const ExchangeTypeEnum = builder.enumType('ExchangeType', { values: exchangeTypes })

/** Where a message names its client id, as it can be read back. */
interface ClientIdRule {
  readonly header?: string
  readonly bodyPointer?: string
  readonly fixed?: string
  readonly everyone?: boolean
}

const ClientIdRule = builder.objectRef<ClientIdRule>('ClientIdRule').implement({
  description: 'As the input `ClientIdSource`: one member is set.',
  fields: (t) => ({
    header: t.string({ nullable: true, resolve: ({ header }) => header }),
    bodyPointer: t.string({ nullable: true, resolve: ({ bodyPointer }) => bodyPointer }),
    fixed: t.id({ nullable: true, resolve: ({ fixed }) => fixed }),
    everyone: t.boolean({ nullable: true, resolve: ({ everyone }) => everyone }),
  }),
})

const SourceOrigin = builder.enumType('SourceOrigin', {
  values: {
    API: { description: 'It was created by `createRabbitChannel`, a command or WARREN_SOURCES.' },
    DEFAULT: { description: 'The default source.' },
    SCHEMA: { description: 'A typed field reads its messages (WARREN_SCHEMA).' },
  } as const,
})

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
    clientId: t.field({
      type: ClientIdRule,
      nullable: true,
      description: 'Null if the routing key names the client, or if typed fields read the messages.',
      resolve: ({ clientId }) => clientId,
    }),
    rule: t.string({
      description: 'Where it finds the client id, in words.',
      resolve: (source) => describeRule(source),
    }),
    bindingKey: t.string({ resolve: (source) => bindingOf(source).key }),
    origin: t.field({
      type: SourceOrigin,
      resolve: ({ origin, exchange, routingKey }, _args, { settings }) =>
        origin ?? (exchange === defaultExchangeOf(settings.namespace) && isDefaultKey(routingKey) ? 'DEFAULT' : 'API'),
    }),
    madeExchange: t.boolean({
      description: 'Whether Warren declared the exchange, because it did not exist when the source was created.',
      resolve: ({ ownsExchange }) => ownsExchange,
    }),
    nearExchanges: t.stringList({
      description:
        'If Warren declared the exchange: existing exchanges with a name that differs by little, nearest first. One of them may have been meant.',
      complexity: 10,
      resolve: ({ ownsExchange, exchange }, _args, { inspection, identity }) =>
        ownsExchange && mayObserve(identity) ? inspection.sources.exchangesLike(exchange) : [],
    }),
  }),
})

function isDefaultKey(routingKey: string): boolean {
  return routingKey === defaultRoutingKey || routingKey === `client.${restPlaceholder}`
}

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
