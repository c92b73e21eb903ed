import { expect, test } from '@jest/globals'
import type { ConnectionSession } from '../../../../src/brokers/rabbitmq/connection/reconnecting-connection.ts'
import { consumeStream } from '../../../../src/brokers/rabbitmq/stream/stream-consumer.ts'
import type { WindowEntry } from '../../../../src/core/ports/hot-window.ts'
import { ScriptedStreams } from './scripted-streams.ts'

/** Reads three messages; `store` has the first one that it sees as long as the call lasts. */
async function read(isStored: boolean, store: (entry: WindowEntry) => Promise<void> | void) {
  const broker = new ScriptedStreams()
  const session = await new Promise<ConnectionSession>((resolve) => {
    broker.openConnection({ purpose: 'test', establish: async (one) => resolve(one) })
  })
  broker.declare('stream')
  for (const body of ['one', 'two', 'three']) broker.publish('stream', body)
  const entries: WindowEntry[] = []
  await new Promise<void>((resolve, reject) => {
    const visitor = {
      onEntry: (entry: WindowEntry) => {
        const handled = store(entry)
        entries.push(entry)
        if (entries.length === 3) setImmediate(resolve)
        return handled
      },
      onTruncated: () => {},
      onEnd: reject,
    }
    consumeStream(session, 'stream', 0, visitor, { isStored }).catch(reject)
  })
  return entries.map(({ body }) => body.toString())
}

test.each<[string, boolean, (entry: WindowEntry) => Promise<void> | void]>([
  ['that copies nothing, for a reader that stores nothing', false, () => {}],
  ['that stores each body itself', true, (entry) => void (entry.body = Buffer.from(entry.body))],
  ['that should store each body and does not', true, () => {}],
  ['that lets the next message wait', true, () => new Promise((resolve) => setImmediate(resolve))],
])('a body outlives the read buffer for a visitor %s', async (_, isStored, store) => {
  expect(await read(isStored, store)).toEqual(['one', 'two', 'three'])
})
