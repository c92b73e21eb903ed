import type { RabbitNode } from '../../test/support/rabbitmq/broker.ts'

/** A way in which the leader's node ends and starts again. */
export interface Ending {
  readonly name: string
  end(node: RabbitNode): Promise<void>
  undo(node: RabbitNode): Promise<void>
}

export const endings: readonly Ending[] = [
  { name: 'kill -9', end: (node) => node.kill(), undo: (node) => node.start() },
  {
    name: 'stop_app',
    end: async (node) => void (await node.ctl('stop_app')),
    undo: async (node) => void (await node.ctl('start_app')),
  },
]
