import { exchangeMap, line, onOff, paths } from '../kinds/words.ts'
import { option, optional } from './option.ts'

/** The GraphQL endpoint and the schema of typed events. */
export const graphqlOptions = {
  graphiql: option(onOff, { default: 'on', group: 'GraphQL', help: 'Serves GraphiQL to browsers on /graphql.' }),
  introspection: option(onOff, { default: 'on', group: 'GraphQL', help: 'Allows clients to query the schema.' }),
  trustedDocuments: optional(line, {
    unset: 'any document',
    group: 'GraphQL',
    help: 'JSON file of documents, which are then the only ones that may be executed: {"id": "query …"}, or a manifest of Apollo. Clients send the id or the text. Read at the start.',
  }),
  schema: optional(paths, {
    unset: 'no typed events',
    group: 'GraphQL',
    help: "The team's SDL with typed events: files, folders or patterns, separated by commas, read as one document (docs/guides/typed-events.md). Read again at SIGHUP.",
  }),
  schemaWatch: option(onOff, {
    default: 'off',
    group: 'GraphQL',
    help: 'Reads WARREN_SCHEMA again when one of its files changes. For development.',
  }),
  core: option(onOff, {
    default: 'on',
    group: 'GraphQL',
    help: "Serves Warren's own root fields and types beside those of WARREN_SCHEMA. off: their names are free.",
  }),
  exchangeMap: optional(exchangeMap, {
    unset: 'the names in the SDL',
    group: 'GraphQL',
    help: 'Renames exchanges of WARREN_SCHEMA in this environment: orders=prod.orders.v2,…',
  }),
  federation: option(onOff, {
    default: 'off',
    group: 'GraphQL',
    help: 'Makes /graphql a Federation 2 subgraph, with _service and _entities.',
  }),
  testRoutes: option(onOff, {
    default: 'off',
    group: 'GraphQL',
    help: 'Adds the route and the mutation for test data.',
  }),
} as const
