import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the range of ports for outgoing connections (from 32768 on Linux, from 49152 elsewhere): a
// client's socket must not take the port of a broker that restarts.
const lowest = 16_384
const highest = 32_767
/**
 * Each worker of jest has a part of the range: a broker listens seconds after its port was found
 * free, and another worker must not take it meanwhile. The main process has the first part.
 */
const parts = 8
const portsOfPart = (highest + 1 - lowest) / parts
const firstPort = lowest + (Number(process.env['JEST_WORKER_ID'] ?? 0) % parts) * portsOfPart

const given = new Set<number>()

/** A free TCP port on 127.0.0.1. This process never receives the same one twice. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(firstPort, firstPort + portsOfPart)
    if (given.has(port) || !(await canListen(port))) continue
    given.add(port)
    return port
  }
  throw new Error(`No free TCP port was found from ${firstPort} on, of ${portsOfPart}.`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
