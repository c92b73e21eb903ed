/** The package has no types; this is what the contestant and the tests call. */
declare module 'socketcluster-server' {
  import type { Server } from 'node:http'

  interface Exchange {
    transmitPublish(channel: string, data: unknown): Promise<void>
  }
  interface StockServer {
    readonly exchange: Exchange
    close(): Promise<void>
  }
  const socketClusterServer: {
    attach(server: Server, options?: { authKey?: string; pingTimeout?: number }): StockServer
  }
  export default socketClusterServer
}
