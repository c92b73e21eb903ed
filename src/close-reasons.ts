/**
 * All close reasons of Warren. A close reason *ends* a session and states whether the client should
 * reconnect. `docs/errors.md` is printed from this table.
 */

/**
 * Why a session ended. `graphqlWs` is the close code on graphql-transport-ws, which reserves
 * 4400–4499. `socketCluster` is the close code there. Old SocketCluster clients do not reconnect
 * after 1000 and after 4500 or above, but do after 1001. `comeBack`: the client should reconnect.
 * `UNAUTHORIZED` (no token) and `INVALID_TOKEN` ask for a new token. graphql-ws takes 4401 as
 * final, so an invalid token gets 4403, after which it calls `connectionParams` again.
 */
export const closeReasons = {
  NORMAL: { graphqlWs: 1000, socketCluster: 1000, comeBack: false, text: 'Normal closure' },
  RESTART: { graphqlWs: 1012, socketCluster: 1001, comeBack: true, text: 'Service restart' },
  BAD_REQUEST: { graphqlWs: 4400, socketCluster: 4500, comeBack: false, text: 'Bad request' },
  UNAUTHORIZED: { graphqlWs: 4401, socketCluster: 4401, comeBack: true, text: 'Unauthorized' },
  INVALID_TOKEN: { graphqlWs: 4403, socketCluster: 4401, comeBack: true, text: 'Forbidden' },
  FORBIDDEN: { graphqlWs: 4292, socketCluster: 4503, comeBack: false, text: 'Not allowed' },
  TOO_MANY: { graphqlWs: 1013, socketCluster: 1013, comeBack: true, text: 'Try again later' },
  IDLE: { graphqlWs: 1013, socketCluster: 1013, comeBack: true, text: 'Nothing subscribed' },
  SLOW_CONSUMER: { graphqlWs: 4290, socketCluster: 4290, comeBack: true, text: 'Slow consumer' },
  TOKEN_EXPIRED: { graphqlWs: 4291, socketCluster: 4291, comeBack: true, text: 'Token expired' },
  INTERNAL_ERROR: { graphqlWs: 1013, socketCluster: 1013, comeBack: true, text: 'Internal error' },
  REVOKED: { graphqlWs: 4292, socketCluster: 4592, comeBack: false, text: 'Revoked' },
} as const satisfies Record<string, { graphqlWs: number; socketCluster: number; comeBack: boolean; text: string }>

export type CloseReason = keyof typeof closeReasons
