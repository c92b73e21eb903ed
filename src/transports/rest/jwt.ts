import { demand, mayPublishToClients } from '../../core/sessions/authorizer.ts'
import type { Route } from './route.ts'

/**
 * A token that may publish to clients on the default source and nothing else. The old socket server
 * gave a publisher's token to any caller. The gateway does so only with WARREN_LEGACY_ACCESS=open.
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
        'get a token that publishes to every client',
      )
    }
    return { status: 200, body: { token: await issuePublisherToken(identity) } }
  },
}
