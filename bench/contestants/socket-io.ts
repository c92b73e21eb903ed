/** Socket.IO: a room for each channel. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { openSource, printListening } from './source.ts'

const server = createServer()
const sockets = new Server(server)
sockets.on('connection', (socket) => {
  socket.on('join', (channel: string, joined: () => void) => {
    void socket.join(channel)
    joined()
  })
})
const control = await openSource((channel, { value }) => sockets.to(channel).emit('message', value))
server.listen(0, '127.0.0.1', () => printListening((server.address() as AddressInfo).port, control))
