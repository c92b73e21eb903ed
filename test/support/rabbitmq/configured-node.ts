import { eventually } from '../eventually.ts'
import type { NetworkHost } from '../network/network-host.ts'
import { folderIn, removeFolder } from '../processes/run-folder.ts'
import { type NodeAddress, NodeProcess, newAddress, rabbitmqctl, startEpmd } from './rabbitmq-node.ts'

export interface ConfiguredNode {
  readonly address: NodeAddress
  ctl(...args: string[]): Promise<string>
  remove(): Promise<void>
}

/**
 * Starts a node of which the configuration is under test. It has the user of these settings, and not
 * `guest`. On a network host it listens on RabbitMQ's usual port.
 */
export async function configuredNode(
  settings: readonly string[],
  { plugins = [], host, root }: { plugins?: readonly string[]; host?: NetworkHost; root?: string | undefined } = {},
): Promise<ConfiguredNode> {
  const folder = folderIn(root)
  const address: NodeAddress = {
    ...(await newAddress('configured', folder, { plugins, root })),
    ...(host === undefined ? {} : { nodeName: `configured@${host.ip}`, host, port: 5672 }),
    settings,
  }
  const epmd = startEpmd(address.epmdPort, host)
  const node = new NodeProcess(address)
  const ctl = (...args: string[]) => rabbitmqctl(address, args)
  const remove = async () => {
    await node.kill()
    await epmd.close()
    removeFolder(folder)
  }
  try {
    await node.launch()
    await eventually('RabbitMQ to have started', () => ctl('await_startup').then(() => true), { everyMs: 250 })
  } catch (error) {
    await remove()
    throw error
  }
  return { address, ctl, remove }
}
