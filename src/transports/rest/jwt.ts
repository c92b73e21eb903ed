import { demand, mayPublish } from '../../core/authorizer.ts'
import type { Route } from './route.ts'

/** A publisher's token: the old socket server gave it to anybody, the gateway does so only where the operator wants it. */
export const jwt: Route = {
  path: '/jwt',
  method: 'GET',
  deprecated: true,
  async answer(request, { access, issuePublisherToken }) {
    const identity = await request.identity()
    if (access !== 'open') demand(mayPublish(identity), identity, 'be given a token that publishes')
    return { status: 200, body: { token: await issuePublisherToken(identity.clientId) } }
  },
}
