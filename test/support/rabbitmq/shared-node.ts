import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { folderIn, removeFolder } from '../processes/run-folder.ts'
import { defaultRoot, type NodeAddress, NodeProcess, newAddress, startEpmd } from './rabbitmq-node.ts'

// Has the address of the shared node for test files, which often run in other processes.
const variable = 'TEST_SHARED_RABBITMQ'

interface SharedNode {
  readonly address: NodeAddress
  /**
   * The path of a local socket of jest's main process. It answers each connection when the node is
   * ready, or with the reason of a failure.
   */
  readonly door: string
}

/**
 * jest's main process holds it for the length of the run. The node starts when a test file first
 * needs it, because most runs of one file do not.
 */
export async function offerSharedNode(): Promise<{ close(): Promise<void> }> {
  const folder = folderIn(defaultRoot)
  const address = await newAddress('shared', folder, {
    plugins: ['rabbitmq_consistent_hash_exchange'],
    root: defaultRoot,
  })
  const door = join(folder, 'door')
  const node = new NodeProcess(address)
  let epmd: { close(): Promise<void> } | undefined
  let started: Promise<string> | undefined
  const start = async () => {
    try {
      epmd = startEpmd(address.epmdPort)
      await node.start()
      return 'ready'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    started ??= start()
    void started.then((answer) => socket.end(answer))
  })
  server.listen(door)
  await once(server, 'listening')
  server.unref()
  process.env[variable] = JSON.stringify({ address, door } satisfies SharedNode)
  return {
    async close() {
      server.close()
      await node.kill()
      await epmd?.close()
      removeFolder(folder)
    },
  }
}

export function sharedAddress(): NodeAddress {
  return shared().address
}

let ready: Promise<void> | undefined

/** Resolves when the shared node is ready; starts it at the first call. */
export function sharedNodeReady(): Promise<void> {
  ready ??= ask(shared().door)
  return ready
}

async function ask(door: string): Promise<void> {
  let answer = ''
  for await (const chunk of connect(door).setEncoding('utf8')) answer += String(chunk)
  if (answer !== 'ready') throw new Error(answer || 'The process that keeps the shared RabbitMQ node went away.')
}

function shared(): SharedNode {
  const text = process.env[variable]
  if (text === undefined)
    throw new Error(`${variable} is not set: run tests through jest: its global set-up offers the node.`)
  return JSON.parse(text) as SharedNode
}
