/**
 * The cost of metrics, and of tracing that is off: two gateways that differ in nothing else, in
 * turns, each delivering the same messages to the same number of clients. It compares the CPU of
 * the gateway alone. `npm run bench:overhead -- [--rounds 10] [--clients 100] [--messages 5000]`.
 * Exit status 1 if metrics cost more than 3 %. A run is meaningful only on a quiet machine: it
 * prints the spread of the rounds.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { WebSocket } from 'ws'
import { testSecret, testToken } from '../test/support/gateway/gateway-process.ts'
import { freePort } from '../test/support/network/ports.ts'
import { newFolder, removeFolder } from '../test/support/processes/run-folder.ts'
import { cpuOf } from './machine.ts'
import { median } from './median.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    clients: { type: 'string', default: '100' },
    messages: { type: 'string', default: '5000' },
  },
})
const [rounds, clients, messages] = [Number(values.rounds), Number(values.clients), Number(values.messages)]
const maxShare = 0.03
/** Published in one turn of the gateway's event loop. */
const burst = 50
const token = await testToken({ scope: 'channel:#' })
const query = 'subscription { channel(clientId: "all", checkpoints: true) { kind data } }'

interface Side {
  readonly name: string
  readonly child: ChildProcess
  readonly sockets: readonly WebSocket[]
  heard: number
  readonly cpuMs: number[]
}

const folder = newFolder()
const counted = await open('with metrics', [])
const uncounted = await open('without', ['--uncounted'])
const traced = await open('with metrics, and messages that bear a traceparent', ['--traced'])
try {
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const side of round % 2 === 0 ? [counted, uncounted, traced] : [traced, uncounted, counted]) {
      const cpuMs = await deliver(side)
      if (round > 0) side.cpuMs.push(cpuMs)
    }
  }
  for (const { name, cpuMs } of [counted, uncounted, traced]) {
    console.log(
      `${name}: median ${median(cpuMs).toFixed(0)} ms of processor time a round, ${cpuMs.map(Math.round).join(' ')}`,
    )
  }
  const share = median(counted.cpuMs) / median(uncounted.cpuMs) - 1
  console.log(
    `metrics: ${(100 * share).toFixed(1)} %; a traceparent in every message: ${(100 * (median(traced.cpuMs) / median(counted.cpuMs) - 1)).toFixed(1)} %`,
  )
  console.log('tracing that is off is in both: it looks for one header of each delivered message')
  process.exitCode = share <= maxShare ? 0 : 1
} finally {
  for (const { child, sockets } of [counted, uncounted, traced]) {
    for (const socket of sockets) socket.terminate()
    child.kill()
    await once(child, 'exit')
  }
  removeFolder(folder)
}

async function open(name: string, args: readonly string[]): Promise<Side> {
  const port = await freePort()
  const child = fork('bench/overhead/gateway.ts', args, {
    execArgv: ['--import', 'tsx'],
    env: {
      PATH: process.env['PATH'],
      WARREN_PORT: String(port),
      WARREN_OPS_PORT: 'off',
      WARREN_TCP_PORT: 'off',
      WARREN_DATA_DIR: `${folder}/${port}`,
      WARREN_JWT_SECRET: testSecret,
      WARREN_LOG_LEVEL: 'error',
      // In one process, gateways of one namespace would receive each other's messages.
      WARREN_NAMESPACE: `overhead-${port}`,
    },
  })
  await once(child, 'message')
  const side: Side = { name, child, sockets: [], heard: 0, cpuMs: [] }
  const sockets = await Promise.all(Array.from({ length: clients }, () => listen(port, side)))
  return Object.assign(side, { sockets })
}

async function listen(port: number, side: Side): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', { perMessageDeflate: false })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { token } }))
  await once(socket, 'message')
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
  await once(socket, 'message')
  socket.on('message', (frame: Buffer) => {
    if (frame.includes('"MESSAGE"')) side.heard += 1
  })
  return socket
}

/** The CPU of the gateway, in milliseconds. */
async function deliver(side: Side): Promise<number> {
  const { child } = side
  const before = cpuOf(child.pid ?? 0)
  side.heard = 0
  for (let sent = 0; sent < messages; sent += burst) {
    child.send(burst)
    while (side.heard < (sent + burst) * clients) await new Promise((resolve) => setImmediate(resolve))
  }
  return (cpuOf(child.pid ?? 0) - before) / 1_000
}
