import { demand, mayPublishToClients } from '../../core/sessions/authorizer.ts'
import type { Route } from './route.ts'

/**
 * A token that publishes to clients on the default source, and to nothing else. The old socket
 * server gave a publisher's token to anybody; the gateway does so only with
 * WARREN_LEGACY_ACCESS=open.
 */
export const jwt: Route = {
  path: '/jwt',
  method: 'GET',
  deprecated: true,
  async answer(request, { access, defaultSource, issuePublisherToken }) {
    const identity = await request.identity()
    if (access !== 'open') {
      demand(
        mayPublishToClients(identity, defaultSource.exchange),
        identity,
        'be given a token that publishes to every client',
      )
    }
    return { status: 200, body: { token: await issuePublisherToken(identity) } }
  },
}
