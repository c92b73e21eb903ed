import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.ts'
import { withLosslessScalars } from './scalars/lossless-scalars.ts'
import './queries/client-channel.ts'
import './queries/client-positions.ts'
import './queries/gateway.ts'
import './queries/history.ts'
import './queries/presence.ts'
import './queries/rabbit-channels.ts'
import './queries/trace.ts'
import './mutations/ack.ts'
import './mutations/ban.ts'
import './mutations/create-client-channel.ts'
import './mutations/create-rabbit-channel.ts'
import './mutations/delete-client-channel.ts'
import './mutations/delete-position.ts'
import './mutations/delete-rabbit-channel.ts'
import './mutations/publish.ts'
import './mutations/publish-test-data.ts'
import './mutations/refresh-session.ts'
import './mutations/revoke.ts'
import './mutations/unban.ts'
import './subscriptions/channel.ts'
import './subscriptions/tail.ts'
import './subscriptions/test-field.ts'
import './subscriptions/test-subscription.ts'
import './operator/accounts.ts'
import './operator/broker.ts'
import './operator/clients.ts'
import './operator/definitions/configuration.ts'
import './operator/definitions/schema-draft.ts'
import './operator/definitions/typed-fields.ts'
import './operator/replica/drain.ts'
import './operator/gateway-stats.ts'
import './operator/replica/history.ts'
import './operator/journal/journal-histogram.ts'
import './operator/messages.ts'
import './operator/quarantine.ts'
import './operator/replicas.ts'
import './operator/sessions.ts'
import './operator/sources.ts'

/** The public schema, which `schema/schema.graphql` prints. */
export const schema: GraphQLSchema = withLosslessScalars(builder.toSchema())

export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}

/**
 * The schema of a running gateway, with its own default exchange. It has `publishTestData` only if
 * test routes are on.
 */
export function schemaFor(options: { namespace: string; testRoutes: boolean }): GraphQLSchema {
  const own = withLosslessScalars(builder.toSchema())
  const input = own.getType('CreateRabbitChannelInput')
  if (input && 'getFields' in input) {
    const exchange = input.getFields()['exchange']
    if (exchange && 'defaultValue' in exchange) exchange.defaultValue = `${options.namespace}.events`
  }
  if (!options.testRoutes) delete own.getMutationType()?.getFields()['publishTestData']
  return own
}
