import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { type ResumingOptions, resuming } from '../resume.ts'

/** A graphql-ws client, as Apollo Client takes it. */
export type ApolloSocket = ConstructorParameters<typeof GraphQLWsLink>[0]

/**
 * The terminating link for subscriptions: each that takes `$after: Cursor` resumes by itself. Use
 * `fetchPolicy: 'no-cache'` for them, because events are a stream, and the cache keeps one state.
 */
export function resumingLink(client: ApolloSocket, options?: ResumingOptions): GraphQLWsLink {
  return new GraphQLWsLink(resuming(client, options))
}
