/**
 * An amqplib consumer of a stream that does nothing with its messages. Over HTTP it returns how many
 * it has received. Argument: the URL of RabbitMQ.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openStream, printListening } from '../contestants/source.ts'

let received = 0
await openStream(() => {
  received += 1
})
const server = createServer((_request, response) => response.end(String(received)))
server.listen(0, '127.0.0.1', () => printListening((server.address() as AddressInfo).port, 0))
