import type { TransportAdapter } from './suite/adapter.ts'
import { callback } from './suite/callback.ts'
import { graphqlWs } from './suite/graphql-ws.ts'
import { graphqlWsLegacy } from './suite/graphql-ws-legacy.ts'
import { multipart } from './suite/multipart.ts'
import { socketCluster } from './suite/socketcluster.ts'
import { serverSentEvents } from './suite/sse.ts'
import { singleConnection } from './suite/sse-single.ts'
import { framedTcp } from './suite/tcp.ts'
import { plainWebSocket } from './suite/websocket.ts'

/** Every transport. A new one is a file in `suite`, one in `each`, and an entry here. */
export const transports: readonly TransportAdapter[] = [
  graphqlWs,
  graphqlWsLegacy,
  serverSentEvents,
  singleConnection,
  multipart,
  callback,
  socketCluster,
  plainWebSocket,
  framedTcp,
]
