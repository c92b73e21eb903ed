/** One RabbitMQ node for a run, with Web STOMP, and publishers that the load generator drives. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../test/support/network/ports.ts'
import { newFolder, removeFolder } from '../../test/support/processes/run-folder.ts'
import { amqpUrl, NodeProcess, newAddress, rabbitmqctl, startEpmd } from '../../test/support/rabbitmq/rabbitmq-node.ts'
import { compiled } from '../build.ts'
import { pin, type Started, startNode } from '../machine.ts'

export interface Broker {
  readonly url: string
  /** The id of the Erlang VM. */
  readonly pid: number
  readonly webStompPort: number
  /** The control port of a publisher to this exchange. */
  publisher(exchange: string): Promise<number>
  close(): Promise<void>
}

export async function startBroker(): Promise<Broker> {
  const folder = newFolder()
  const address = await newAddress('bench', folder)
  const epmd = startEpmd(address.epmdPort)
  const node = new NodeProcess(address)
  const publishers = new Map<string, Promise<Started>>()
  const close = async (): Promise<void> => {
    for (const publisher of publishers.values()) await (await publisher).stop()
    await node.kill()
    await epmd.close()
    removeFolder(folder)
  }
  try {
    await node.start()
    const pid = Number((await rabbitmqctl(address, ['eval', 'os:getpid().'])).replaceAll('"', ''))
    pin(pid, 'load')
    const webStompPort = await freePort()
    const plugins = join(address.folder, 'enabled_plugins')
    await writeFile(plugins, '[rabbitmq_web_stomp].\n')
    // Persistent, because loading a plugin restores the values of its own file.
    const settings = [
      `application:set_env(rabbitmq_stomp, tcp_listeners, [{"127.0.0.1", ${await freePort()}}], [{persistent, true}])`,
      `application:set_env(rabbitmq_web_stomp, tcp_config, [{ip, "127.0.0.1"}, {port, ${webStompPort}}], [{persistent, true}])`,
      // A node accepts messages before it has started completely, and until then it refuses
      // plugins.
      'ok = rabbit:await_startup()',
      `{ok, _, _} = rabbit_plugins:ensure("${plugins}")`,
    ]
    await rabbitmqctl(address, ['eval', `${settings.join(', ')}.`])
    const url = amqpUrl(address)
    return {
      url,
      pid,
      webStompPort,
      async publisher(exchange) {
        const known = publishers.get(exchange)
        const publisher = known ?? startNode(compiled('rabbit/publisher'), [url, exchange], 'load')
        publishers.set(exchange, publisher)
        return (await publisher).control
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
