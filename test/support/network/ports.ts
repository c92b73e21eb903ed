import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the range of ports for outgoing connections (from 32768 on Linux, from 49152 elsewhere): a
// client's socket must not take the port of a broker that restarts.
const lowest = 16_384
const highest = 32_767

const given = new Set<number>()

/** A free TCP port on 127.0.0.1. This process never receives the same one twice. */
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
