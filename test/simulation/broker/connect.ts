import type { BrokerAddress } from '../../../src/brokers/rabbitmq/connection/address.ts'
import type { ChannelModel } from '../../../src/brokers/rabbitmq/connection/amqp.ts'
import type { DeliveryReader } from './delivery-reader.ts'
import type { SimulatedRabbit } from './rabbit.ts'

/** Takes the place of `src/brokers/rabbitmq/connection/connect.ts`. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly afterMs: number

  constructor(afterMs: number) {
    super(`no answer within ${afterMs} ms`)
    this.afterMs = afterMs
  }
}

let current: SimulatedRabbit | undefined

/** The broker that all connections of this process lead to from now on. */
export function connectTo(rabbit: SimulatedRabbit): void {
  current = rabbit
}

export async function connect(
  address: BrokerAddress,
  connectionName: string,
  connectMs: number,
  cut: AbortController,
  deliveries?: DeliveryReader,
): Promise<ChannelModel> {
  if (!current) throw new Error('no simulated broker')
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    cut.abort()
  }, connectMs)
  try {
    // `replica-1.node-2`: the host names both ends.
    const node = Number(/node-(\d+)/.exec(address.host)?.[1])
    return (await current.connect(node, connectionName, cut.signal, deliveries)) as unknown as ChannelModel
  } catch (error) {
    throw timedOut ? new NoAnswer(connectMs) : error
  } finally {
    clearTimeout(timer)
  }
}
