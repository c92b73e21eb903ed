/** The package brings no types; this is what the contestant calls. */
declare module 'socketcluster-server' {
  import type { Server } from 'node:http'

  interface Exchange {
    transmitPublish(channel: string, data: unknown): Promise<void>
  }
  const socketClusterServer: { attach(server: Server): { readonly exchange: Exchange } }
  export default socketClusterServer
}
