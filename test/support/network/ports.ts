import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the range that systems take the ports of outgoing connections from (32768 and up on Linux,
// 49152 elsewhere): a port that a broker gives up while it restarts must not be taken by a client's
// socket in the meantime.
const lowest = 16_384
const highest = 32_767

const given = new Set<number>()

/** A TCP port on 127.0.0.1 that nobody listens on, given out once in this process. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(lowest, highest + 1)
    if (given.has(port) || !(await canListen(port))) continue
    given.add(port)
    return port
  }
  throw new Error(`No free TCP port was found between ${lowest} and ${highest}.`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
