/**
 * Publishes into nginx with nchan over HTTP, on one kept-alive connection, with pipelined requests
 * (RFC 9112 §9.3.2). Argument 2 is nginx's port.
 */
import { connect } from 'node:net'
import { openSource, printListening } from './source.ts'

const port = Number(process.argv[3])
const socket = connect({ port, host: '127.0.0.1', noDelay: true })
// The answers: 202 with a subscriber, 201 without.
socket.resume()
let due = ''
const control = await openSource((channel, { json }) => {
  if (due === '') queueMicrotask(send)
  due += `POST /pub?id=${channel} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`
})

function send(): void {
  socket.write(due, 'latin1')
  due = ''
}

printListening(port, control)
