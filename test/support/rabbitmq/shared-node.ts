import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { folderIn, removeFolder } from '../processes/run-folder.ts'
import { defaultRoot, type NodeAddress, NodeProcess, newAddress, startEpmd } from './rabbitmq-node.ts'

// How a test file, often in a process of its own, learns of the node that the whole run shares.
const variable = 'TEST_SHARED_RABBITMQ'

interface SharedNode {
  readonly address: NodeAddress
  /**
   * A local socket of the run's main process: whoever connects is told when the node is ready, or
   * why not.
   */
  readonly door: string
}

/**
 * Held by jest's main process for the length of the run. The node is started when a test file first
 * asks: most runs of one file need none.
 */
export async function offerSharedNode(): Promise<{ close(): Promise<void> }> {
  const folder = folderIn(defaultRoot)
  const address = await newAddress('shared', folder, { management: true, root: defaultRoot })
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

let asked: Promise<void> | undefined

/** Resolves when the shared node is ready; starts it if nobody has asked before. */
export function sharedNodeReady(): Promise<void> {
  asked ??= ask(shared().door)
  return asked
}

async function ask(door: string): Promise<void> {
  let answer = ''
  for await (const chunk of connect(door).setEncoding('utf8')) answer += String(chunk)
  if (answer !== 'ready') throw new Error(answer || 'The process that keeps the shared RabbitMQ node went away.')
}

function shared(): SharedNode {
  const text = process.env[variable]
  if (text === undefined)
    throw new Error(`${variable} is not set: run tests through jest, whose global set-up offers the node.`)
  return JSON.parse(text) as SharedNode
}
