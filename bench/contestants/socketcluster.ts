/** The stock SocketCluster server. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import socketClusterServer from 'socketcluster-server'
import { openSource, printListening } from './source.ts'

const server = createServer()
const sockets = socketClusterServer.attach(server)
const control = await openSource((channel, { value }) => void sockets.exchange.transmitPublish(channel, value))
server.listen(0, '127.0.0.1', () => printListening((server.address() as AddressInfo).port, control))
