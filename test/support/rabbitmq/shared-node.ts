import { join } from 'node:path'
import { askAtDoor, openDoor } from '../processes/door.ts'
import { folderIn, removeFolder } from '../processes/run-folder.ts'
import { defaultRoot, type NodeAddress, NodeProcess, newAddress, startEpmd } from './rabbitmq-node.ts'

// Has the address of the shared node for test files, which often run in other processes.
const variable = 'TEST_SHARED_RABBITMQ'

interface SharedNode {
  readonly address: NodeAddress
  /** The path of the door that answers when the node is ready. */
  readonly door: string
}

/** jest's main process holds it for the length of the run. */
export async function offerSharedNode(): Promise<{ close(): Promise<void> }> {
  const folder = folderIn(defaultRoot)
  const address = await newAddress('shared', folder, {
    plugins: ['rabbitmq_consistent_hash_exchange'],
    root: defaultRoot,
  })
  const path = join(folder, 'door')
  const node = new NodeProcess(address)
  let epmd: { close(): Promise<void> } | undefined
  const door = await openDoor(path, async () => {
    epmd = startEpmd(address.epmdPort)
    await node.start()
    return 'ready'
  })
  process.env[variable] = JSON.stringify({ address, door: path } satisfies SharedNode)
  return {
    async close() {
      door.close()
      await node.kill()
      await epmd?.close()
      removeFolder(folder)
    },
  }
}

export function sharedAddress(): NodeAddress {
  return shared().address
}

let ready: Promise<unknown> | undefined

/** Resolves when the shared node is ready; starts it at the first call. */
export async function sharedNodeReady(): Promise<void> {
  ready ??= askAtDoor(shared().door)
  await ready
}

function shared(): SharedNode {
  const text = process.env[variable]
  if (text === undefined)
    throw new Error(`${variable} is not set: run tests through jest: its global set-up offers the node.`)
  return JSON.parse(text) as SharedNode
}
